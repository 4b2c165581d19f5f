rewardlang 1
task "put both the alphabet soup and the tomato sauce in the basket"
scene "libero_10/LIVING_ROOM_SCENE2_put_both_the_alphabet_soup_and_the_tomato_sauce_in_the_basket"

object soup = alphabet_soup_1
object sauce = tomato_sauce_1
object basket = basket_1_contain_region

# The instruction fixes no order, so the two goals stand side by side.
all {
  seq soup_in {
    stage reach weight 1 { until near(gripper, soup) }
    stage grasp weight 2 {
      until grasped(soup) for 3 steps
      while near(gripper, soup, 8 cm)
    }
    stage lift weight 1 { until lifted(soup, 8 cm) while grasped(soup) }
    stage carry weight 3 { until above(soup, basket) while grasped(soup) }
    stage lower weight 2 { until in(soup, basket) while over(soup, basket) }
    stage release weight 1 { until released(soup) while in(soup, basket) }
  }
  use place_in(sauce, basket) as sauce_in  # library macro: the same six stages
}

success bddl
