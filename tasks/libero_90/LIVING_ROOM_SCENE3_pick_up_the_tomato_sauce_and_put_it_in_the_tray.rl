rewardlang 1
task "pick up the tomato sauce and put it in the tray"
scene "libero_90/LIVING_ROOM_SCENE3_pick_up_the_tomato_sauce_and_put_it_in_the_tray"

object sauce = tomato_sauce_1
object tray = wooden_tray_1_contain_region

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, sauce) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 {
    until grasped(sauce) for 3 steps
    while near(gripper, sauce, 8 cm)
  }
  # The tray's rim is 8 cm above the sauce's underside: 11 cm clear it.
  stage lift weight 1 { until lifted(sauce, 11 cm) while grasped(sauce) }
  stage carry weight 3 { until above(sauce, tray) while grasped(sauce) }
  # LIBERO's goal, held or not: the sauce's centre is inside the tray. The episode ends
  # there, before any release.
  stage lower weight 2 { until in(sauce, tray) while over(sauce, tray) }
}

success bddl
