rewardlang 1
task "stack the middle black bowl on the back black bowl"
scene "libero_90/KITCHEN_SCENE2_stack_the_middle_black_bowl_on_the_back_black_bowl"

# Three bowls look alike. This one starts in the zone "middle"; akita_black_bowl_1
# starts in the zone "front"; akita_black_bowl_3 starts in the zone "back".
object middle_bowl = akita_black_bowl_2
object back_bowl = akita_black_bowl_3

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, middle_bowl) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 {
    until grasped(middle_bowl) for 3 steps
    while near(gripper, middle_bowl, 8 cm)
  }
  # The back bowl's rim is 5 cm above the middle bowl's underside: 8 cm clear it.
  stage lift weight 1 { until lifted(middle_bowl, 8 cm) while grasped(middle_bowl) }
  # Anywhere over the back bowl will do here; lowering has to centre.
  stage carry weight 3 { until above(middle_bowl, back_bowl) while grasped(middle_bowl) }
  # LIBERO's goal, held or not: the middle bowl touches the back bowl, their centres less
  # than 3 cm apart. The episode ends there, before any release.
  stage lower weight 2 {
    until on(middle_bowl, back_bowl)
    while over(middle_bowl, back_bowl)
  }
}

success bddl
