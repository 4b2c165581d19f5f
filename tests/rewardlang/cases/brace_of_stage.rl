rewardlang 1
task "pick up the milk and place it in the basket"
scene "libero_object/pick_up_the_milk_and_place_it_in_the_basket"

object milk = milk_1
object basket = basket_1_contain_region

seq {
  stage reach { until near(gripper, milk)  # error: missing-brace
  stage grasp { until grasped(milk for 3 steps }  # error: missing-brace
  stage lift { until lifted(milk, 8 cm) while grasped(milk) } }  # error: missing-brace
  stage release { until released(milk) }
}

success bddl
