rewardlang 1
task "pick up the alphabet soup and put it in the tray"
scene "libero_90/LIVING_ROOM_SCENE3_pick_up_the_alphabet_soup_and_put_it_in_the_tray"

object soup = alphabet_soup_1
object tray = wooden_tray_1_contain_region

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, soup) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 { until grasped(soup) for 3 steps while near(gripper, soup, 8 cm) }
  # The tray's rim is 8 cm above the soup's underside: 11 cm clear it.
  stage lift weight 1 { until lifted(soup, 11 cm) while grasped(soup) }
  stage carry weight 3 { until above(soup, tray) while grasped(soup) }
  # LIBERO's goal, held or not: the soup's centre is inside the tray. The episode ends
  # there, before any release.
  stage lower weight 2 { until in(soup, tray) while over(soup, tray) }
}

success bddl
