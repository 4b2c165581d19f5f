rewardlang 1
task "pick up the tomato sauce and put it in the basket"
scene "libero_90/LIVING_ROOM_SCENE2_pick_up_the_tomato_sauce_and_put_it_in_the_basket"

object sauce = tomato_sauce_1
object basket = basket_1_contain_region

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, sauce) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 {
    until grasped(sauce) for 3 steps
    while near(gripper, sauce, 8 cm)
  }
  # The basket's rim is 14 cm above the sauce's underside: 16 cm clear it.
  stage lift weight 1 { until lifted(sauce, 16 cm) while grasped(sauce) }
  stage carry weight 3 { until above(sauce, basket) while grasped(sauce) }
  # LIBERO's goal, held or not: the sauce's centre is inside the basket. The episode ends
  # there, before any release.
  stage lower weight 2 { until in(sauce, basket) while over(sauce, basket) }
}

success bddl
