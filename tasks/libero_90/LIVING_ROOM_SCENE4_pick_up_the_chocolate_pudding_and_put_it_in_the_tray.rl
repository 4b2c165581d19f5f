rewardlang 1
task "pick up the chocolate pudding and put it in the tray"
scene "libero_90/LIVING_ROOM_SCENE4_pick_up_the_chocolate_pudding_and_put_it_in_the_tray"

object pudding = chocolate_pudding_1
object tray = wooden_tray_1_contain_region

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, pudding) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 {
    until grasped(pudding) for 3 steps
    while near(gripper, pudding, 8 cm)
  }
  # The tray's rim is 8 cm above the pudding's underside: 11 cm clear it.
  stage lift weight 1 { until lifted(pudding, 11 cm) while grasped(pudding) }
  stage carry weight 3 { until above(pudding, tray) while grasped(pudding) }
  # LIBERO's goal, held or not: the pudding's centre is inside the tray. The episode ends
  # there, before any release.
  stage lower weight 2 { until in(pudding, tray) while over(pudding, tray) }
}

success bddl
