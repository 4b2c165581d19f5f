rewardlang 1
task "put the yellow and white mug in the microwave and close it"
scene "libero_10/KITCHEN_SCENE6_put_the_yellow_and_white_mug_in_the_microwave_and_close_it"

object mug = white_yellow_mug_1
object microwave = microwave_1
object inside = microwave_1_heating_region

# The microwave is roofed: the mug goes in by the front.
seq {
  stage reach weight 1 { until near(gripper, mug) }
  stage grasp weight 2 { until grasped(mug) for 3 steps while near(gripper, mug, 8 cm) }
  stage lift weight 1 { until lifted(mug, 2 cm) while grasped(mug) }
  stage bring weight 3 { until at_mouth(mug, inside) while grasped(mug) }
  stage enter weight 2 { until in(mug, inside) while grasped(mug) }
  stage release weight 1 { until released(mug) while in(mug, inside) }
  use close_part(microwave) weight 4
}

success bddl
