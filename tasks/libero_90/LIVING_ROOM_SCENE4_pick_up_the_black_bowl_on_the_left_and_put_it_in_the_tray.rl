rewardlang 1
task "pick up the black bowl on the left and put it in the tray"
scene "libero_90/LIVING_ROOM_SCENE4_pick_up_the_black_bowl_on_the_left_and_put_it_in_the_tray"

# Two bowls look alike. This one is "the black bowl on the left"; akita_black_bowl_2
# starts in the zone "right".
object left_bowl = akita_black_bowl_1
object tray = wooden_tray_1_contain_region

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, left_bowl) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 {
    until grasped(left_bowl) for 3 steps
    while near(gripper, left_bowl, 8 cm)
  }
  # The tray's rim is 8 cm above the left bowl's underside: 11 cm clear it.
  stage lift weight 1 { until lifted(left_bowl, 11 cm) while grasped(left_bowl) }
  stage carry weight 3 { until above(left_bowl, tray) while grasped(left_bowl) }
  # LIBERO's goal, held or not: the left bowl's centre is inside the tray. The episode
  # ends there, before any release.
  stage lower weight 2 { until in(left_bowl, tray) while over(left_bowl, tray) }
}

success bddl
