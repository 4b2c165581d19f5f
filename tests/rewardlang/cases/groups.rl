rewardlang 1
task "pick up the milk and place it in the basket"
scene "libero_object/pick_up_the_milk_and_place_it_in_the_basket"

object milk = milk_1
object basket = basket_1_contain_region

seq main weight 2 {  # warning: weight-without-effect
  any {
    stage left weight 2 { until near(gripper, milk) }  # warning: weight-without-effect
    stage right { until touching(gripper, milk) }
    keep up { upright(milk, 60 deg) }  # error: misplaced-keep
  }
  all {  # error: nothing-to-earn
    keep one { upright(milk, 60 deg) }
    keep two { upright(milk, 50 deg) }
  }
  use place_in(milk, basket) as twin
  seq twin { stage reach { until near(gripper, milk) } }  # error: duplicate-name
  stage back live { until not near(gripper, milk) }  # error: bad-live
}

success bddl
shaping level gamma 0.9  # error: bad-gamma
penalty tipped cost 0.3 when not upright(milk, 60 deg)
penalty tipped cost 0.3 when not upright(milk, 30 deg)  # error: duplicate-name, bad-penalty
penalty free cost 0 when not upright(milk, 45 deg)  # error: bad-penalty
