rewardlang 1
task "pick up the salad dressing and put it in the tray"
scene "libero_90/LIVING_ROOM_SCENE4_pick_up_the_salad_dressing_and_put_it_in_the_tray"

object dressing = new_salad_dressing_1
object tray = wooden_tray_1_contain_region

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, dressing) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 {
    until grasped(dressing) for 3 steps
    while near(gripper, dressing, 8 cm)
  }
  # The tray's rim is 8 cm above the dressing's underside: 11 cm clear it.
  stage lift weight 1 { until lifted(dressing, 11 cm) while grasped(dressing) }
  stage carry weight 3 { until above(dressing, tray) while grasped(dressing) }
  # LIBERO's goal, held or not: the dressing's centre is inside the tray. The episode ends
  # there, before any release.
  stage lower weight 2 { until in(dressing, tray) while over(dressing, tray) }
}

success bddl
