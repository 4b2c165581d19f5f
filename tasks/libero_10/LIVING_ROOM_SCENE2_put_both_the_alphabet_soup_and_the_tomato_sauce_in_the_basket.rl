rewardlang 1
task "put both the alphabet soup and the tomato sauce in the basket"
scene "libero_10/LIVING_ROOM_SCENE2_put_both_the_alphabet_soup_and_the_tomato_sauce_in_the_basket"

object soup = alphabet_soup_1
object basket = basket_1_contain_region
object sauce = tomato_sauce_1

# Neither goal waits for the other, so they stand side by side.
all {
  seq soup_in {
    stage reach weight 1 { until near(gripper, soup) }
    # Three steps, because contacts flicker; a gripper that has left has to reach again.
    stage grasp weight 2 {
      until grasped(soup) for 3 steps
      while near(gripper, soup, 8 cm)
    }
    # The basket's rim is 14 cm above the soup's underside: 16 cm clear it.
    stage lift weight 1 { until lifted(soup, 16 cm) while grasped(soup) }
    stage carry weight 3 { until above(soup, basket) while grasped(soup) }
    # LIBERO's goal: the soup's centre is inside the basket.
    stage lower weight 2 { until in(soup, basket) while over(soup, basket) }
    stage release weight 1 { until released(soup) while in(soup, basket) }
  }
  seq sauce_in {
    stage reach weight 1 { until near(gripper, sauce) }
    stage grasp weight 2 {
      until grasped(sauce) for 3 steps
      while near(gripper, sauce, 8 cm)
    }
    # The basket's rim is 14 cm above the sauce's underside: 16 cm clear it.
    stage lift weight 1 { until lifted(sauce, 16 cm) while grasped(sauce) }
    stage carry weight 3 { until above(sauce, basket) while grasped(sauce) }
    # LIBERO's goal: the sauce's centre is inside the basket.
    stage lower weight 2 { until in(sauce, basket) while over(sauce, basket) }
    stage release weight 1 { until released(sauce) while in(sauce, basket) }
  }
}

success bddl
