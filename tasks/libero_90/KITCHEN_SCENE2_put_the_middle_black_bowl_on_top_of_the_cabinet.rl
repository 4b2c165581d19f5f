rewardlang 1
task "put the middle black bowl on top of the cabinet"
scene "libero_90/KITCHEN_SCENE2_put_the_middle_black_bowl_on_top_of_the_cabinet"

# Three bowls look alike. This one starts in the zone "middle"; akita_black_bowl_1
# starts in the zone "front"; akita_black_bowl_3 starts in the zone "back".
object middle_bowl = akita_black_bowl_2
object cabinet_top = wooden_cabinet_1_top_side

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, middle_bowl) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 {
    until grasped(middle_bowl) for 3 steps
    while near(gripper, middle_bowl, 8 cm)
  }
  # The cabinet top's rim is 22 cm above the middle bowl's underside: 24 cm clear it.
  stage lift weight 1 { until lifted(middle_bowl, 24 cm) while grasped(middle_bowl) }
  stage carry weight 3 {
    until above(middle_bowl, cabinet_top)
    while grasped(middle_bowl)
  }
  # LIBERO's goal, held or not: the middle bowl touches, its centre within the edges of
  # the cabinet top. The episode ends there, before any release.
  stage lower weight 2 {
    until on(middle_bowl, cabinet_top)
    while over(middle_bowl, cabinet_top)
  }
}

success bddl
