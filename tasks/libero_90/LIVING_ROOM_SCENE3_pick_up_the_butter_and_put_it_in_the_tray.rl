rewardlang 1
task "pick up the butter and put it in the tray"
scene "libero_90/LIVING_ROOM_SCENE3_pick_up_the_butter_and_put_it_in_the_tray"

object butter = butter_1
object tray = wooden_tray_1_contain_region

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, butter) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 {
    until grasped(butter) for 3 steps
    while near(gripper, butter, 8 cm)
  }
  # The tray's rim is 8 cm above the butter's underside: 11 cm clear it.
  stage lift weight 1 { until lifted(butter, 11 cm) while grasped(butter) }
  stage carry weight 3 { until above(butter, tray) while grasped(butter) }
  # LIBERO's goal, held or not: the butter's centre is inside the tray. The episode ends
  # there, before any release.
  stage lower weight 2 { until in(butter, tray) while over(butter, tray) }
}

success bddl
