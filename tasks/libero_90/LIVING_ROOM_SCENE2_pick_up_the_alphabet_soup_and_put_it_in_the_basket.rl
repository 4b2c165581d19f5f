rewardlang 1
task "pick up the alphabet soup and put it in the basket"
scene "libero_90/LIVING_ROOM_SCENE2_pick_up_the_alphabet_soup_and_put_it_in_the_basket"

object soup = alphabet_soup_1
object basket = basket_1_contain_region

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, soup) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 { until grasped(soup) for 3 steps while near(gripper, soup, 8 cm) }
  # The basket's rim is 14 cm above the soup's underside: 16 cm clear it.
  stage lift weight 1 { until lifted(soup, 16 cm) while grasped(soup) }
  stage carry weight 3 { until above(soup, basket) while grasped(soup) }
  # LIBERO's goal, held or not: the soup's centre is inside the basket. The episode ends
  # there, before any release.
  stage lower weight 2 { until in(soup, basket) while over(soup, basket) }
}

success bddl
