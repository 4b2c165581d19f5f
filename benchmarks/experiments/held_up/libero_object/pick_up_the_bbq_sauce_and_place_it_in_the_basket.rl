rewardlang 1
task "pick up the bbq sauce and place it in the basket"
scene "libero_object/pick_up_the_bbq_sauce_and_place_it_in_the_basket"

object sauce = bbq_sauce_1
object basket = basket_1_contain_region

# Wrong on purpose: it pays for holding the sauce high up, beside the basket, and next to nothing
# for what the task asks for. Names, kinds, units and the order of stages are all right.
seq {
  stage reach weight 1 { until near(gripper, sauce) }
  stage grasp weight 2 {
    until grasped(sauce) for 3 steps
    while near(gripper, sauce, 8 cm)
  }
  stage hold weight 6 {
    until lifted(sauce, 40 cm) for 50 steps
    while grasped(sauce) and not over(sauce, basket)
  }
  stage carry weight 0.5 { until above(sauce, basket) while grasped(sauce) }
  stage lower weight 0.5 { until in(sauce, basket) while over(sauce, basket) }
}

success bddl
