rewardlang 1
task "pick up the orange juice and place it in the basket"
scene "libero_object/pick_up_the_orange_juice_and_place_it_in_the_basket"

object juice = orange_juice_1
object basket = basket_1_contain_region

# Wrong on purpose: it pays for holding the juice high up, beside the basket, and next to nothing
# for what the task asks for. Names, kinds, units and the order of stages are all right.
seq {
  stage reach weight 1 { until near(gripper, juice) }
  stage grasp weight 2 {
    until grasped(juice) for 3 steps
    while near(gripper, juice, 8 cm)
  }
  stage hold weight 6 {
    until lifted(juice, 40 cm) for 50 steps
    while grasped(juice) and not over(juice, basket)
  }
  stage carry weight 0.5 { until above(juice, basket) while grasped(juice) }
  stage lower weight 0.5 { until in(juice, basket) while over(juice, basket) }
}

success bddl
