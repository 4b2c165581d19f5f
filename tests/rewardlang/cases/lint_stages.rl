rewardlang 1
task "put both the alphabet soup and the tomato sauce in the basket"
scene "libero_10/LIVING_ROOM_SCENE2_put_both_the_alphabet_soup_and_the_tomato_sauce_in_the_basket"

object soup = alphabet_soup_1
object sauce = tomato_sauce_1
object basket = basket_1_contain_region

seq {
  stage lift { until lifted(soup, 8 cm) while grasped(soup) }  # warning: unprepared-while
  stage lift_it { until lifted(sauce, 8 cm) }  # warning: lift-before-grasp
  stage grasp { until grasped(soup) for 3 steps }
  stage grasp_again { until grasped(soup) }  # warning: duplicate-stage
  stage carry { until above(soup, basket) }  # warning: carry-without-grasp
  stage lower { until in(soup, basket) }  # warning: lower-without-over
  stage wait { until grasped(sauce) and released(sauce) }  # warning: contradictory-condition
  stage raise { until gripper_open() and not gripper_open() }  # warning: contradictory-condition
  stage let_go { until released(sauce) while grasped(sauce) }  # warning: while-contradicts-until
  stage place { until in(sauce, basket) while in(sauce, basket) }  # warning: lower-without-over, while-repeats-goal
}

success bddl
