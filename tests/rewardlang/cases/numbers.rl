rewardlang 1
task "pick up the milk and place it in the basket"
scene "libero_object/pick_up_the_milk_and_place_it_in_the_basket"

object milk = milk_1
object basket = basket_1_contain_region

seq {
  stage a weight -2 { until near(gripper, milk) }  # error: bad-number
  stage b weight 12345 { until grasped(milk) for 0 steps }  # error: bad-number, bad-dwell
  stage c weight 0 { until grasped(milk) for 2.5 steps }  # error: bad-weight, bad-dwell
  stage d { until lifted(milk, 0.123456 m) while grasped(milk) }  # error: bad-number
  stage e { until lifted(milk, 8) while grasped(milk) }  # error: missing-unit
  stage f { until lifted(milk, 8 centimeters) while grasped(milk) }  # error: missing-unit
  stage g { until lifted(milk, 8 inches) while grasped(milk) }  # error: missing-unit
  stage h { until lifted(milk, 8 deg) while grasped(milk) }  # error: wrong-unit
  stage i { until upright(milk, 8 %) }  # error: wrong-unit
  stage j { until grasped(milk) for 3.0 steps }
}

success bddl
