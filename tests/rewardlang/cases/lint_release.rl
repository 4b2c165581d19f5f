rewardlang 1
task "put both the alphabet soup and the tomato sauce in the basket"
scene "libero_10/LIVING_ROOM_SCENE2_put_both_the_alphabet_soup_and_the_tomato_sauce_in_the_basket"

object soup = alphabet_soup_1
object sauce = tomato_sauce_1
object basket = basket_1_contain_region

seq {
  seq soup_in {
    stage reach { until near(gripper, soup) }
    stage grasp { until grasped(soup) for 3 steps }
    stage carry { until above(soup, basket) while grasped(soup) }
    stage lower { until in(soup, basket) while over(soup, basket) }  # warning: placement-without-release
  }
  # The last one need not be let go: the episode ends.
  seq sauce_in {
    stage reach { until near(gripper, sauce) }
    stage grasp { until grasped(sauce) for 3 steps }
    stage carry { until above(sauce, basket) while grasped(sauce) }
    stage lower { until in(sauce, basket) while over(sauce, basket) }
  }
}

success bddl
