rewardlang 1
task "pick up the ketchup and put it in the tray"
scene "libero_90/LIVING_ROOM_SCENE3_pick_up_the_ketchup_and_put_it_in_the_tray"

object ketchup = ketchup_1
object tray = wooden_tray_1_contain_region

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, ketchup) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 {
    until grasped(ketchup) for 3 steps
    while near(gripper, ketchup, 8 cm)
  }
  # The tray's rim is 8 cm above the ketchup's underside: 11 cm clear it.
  stage lift weight 1 { until lifted(ketchup, 11 cm) while grasped(ketchup) }
  stage carry weight 3 { until above(ketchup, tray) while grasped(ketchup) }
  # LIBERO's goal, held or not: the ketchup's centre is inside the tray. The episode ends
  # there, before any release.
  stage lower weight 2 { until in(ketchup, tray) while over(ketchup, tray) }
}

success bddl
