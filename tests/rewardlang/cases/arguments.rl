rewardlang 1
task "pick up the milk and place it in the basket"
scene "libero_object/pick_up_the_milk_and_place_it_in_the_basket"

object milk = milk_1
object basket = basket_1_contain_region

seq {
  stage a { until near(milk) }  # error: wrong-argument-count
  stage b { until gripper_open(milk) }  # error: wrong-argument-count
  stage c { until lifted(milk) }  # error: wrong-argument-count
  stage d { until near(milk, milk) }  # error: same-argument
  stage e { until near(basket_1, basket) }  # error: same-argument
  stage f { until at_most(dist(milk, basket), 30 deg) }  # error: wrong-unit
  stage g { until at_most(dist(milk, basket), milk) }  # error: wrong-unit
  stage h { until near(gripper, milk, 80 cm) }  # warning: implausible-threshold
  stage i { until lifted(milk, 8 m) while grasped(milk) }  # warning: implausible-threshold
  stage j { until grasped(milk) for 500 steps }  # warning: implausible-threshold
  stage k { until at_least(tilt(milk), 30 deg) progress tilt(milk) from 30 deg to 32 deg }  # error: bad-progress
  stage l { until at_least(tilt(milk), 30 deg) progress tilt(milk) from reset to reset }  # error: bad-progress
  stage n { until at_least(tilt(milk), 30 deg) progress height(milk) from reset to 30 deg }  # error: wrong-unit
  use place_on(milk, milk_1)  # error: same-argument
  use place_in(milk)  # error: wrong-argument-count
  use place_in(milk, basket, 8 cm)  # error: wrong-argument-count
}

success when in(milk, basket)
