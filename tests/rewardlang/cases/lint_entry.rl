rewardlang 1
task "put both the alphabet soup and the tomato sauce in the basket"
scene "libero_10/LIVING_ROOM_SCENE2_put_both_the_alphabet_soup_and_the_tomato_sauce_in_the_basket"

object soup = alphabet_soup_1
object sauce = tomato_sauce_1
object basket = basket_1_contain_region

all {
  seq soup_in {
    stage grasp {
      until grasped(soup) for 3 steps
      while near(gripper, soup, 8 cm)  # warning: unprepared-while
    }
    stage carry { until above(soup, basket, 5 cm) while grasped(soup) }
    stage lower latch {
      until in(soup, basket)  # warning: latched-goal
      while over(soup, basket)  # warning: unprepared-while
    }
    stage release { until released(soup) while in(soup, basket) }
  }
  # Closer than asked for, at the mouth, grasped before: nothing to be said.
  seq sauce_in {
    stage reach { until near(gripper, sauce, 5 cm) }
    stage grasp { until grasped(sauce) while near(gripper, sauce, 5 cm) and not over(sauce, basket) }
    stage check { until gripper_closed() while near(gripper, sauce) }
    stage carry { until above(sauce, basket) while grasped(sauce) and near(gripper, sauce) }
    stage lower live { until in(sauce, basket) while over(sauce, basket) }
    stage release { until released(sauce) while in(sauce, basket) }
  }
}

success bddl
