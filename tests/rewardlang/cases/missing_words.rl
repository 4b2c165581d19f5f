rewardlang 1
task "pick up the milk and place it in the basket"
scene "libero_object/pick_up_the_milk_and_place_it_in_the_basket"

object milk milk_1  # error: syntax
object basket =  # error: syntax

seq {
  stage { until near(gripper, milk) }  # error: syntax
  stage grasp { until grasped }  # error: syntax
  stage lift { until lifted(milk 8 cm) while grasped(milk) }  # error: syntax
  stage lower { until }  # error: syntax
  stage other { until not and grasped(milk) }  # error: syntax
  keep { upright(milk, 30 deg) }  # error: syntax
  use place_in  # error: syntax
}

success in(milk, basket)  # error: syntax
penalty cost 0.1 when not upright(milk, 60 deg)  # error: syntax
