rewardlang 1
task "put the yellow and white mug in the microwave and close it"
scene "libero_10/KITCHEN_SCENE6_put_the_yellow_and_white_mug_in_the_microwave_and_close_it"

object mug = white_yellow_mug_1
object microwave = microwave_1
object inside = microwave_1_heating_region

seq {
  stage grasp { until grasped(mug) for 3 steps }
  stage bring { until at_mouth(mug, inside) }  # warning: carry-without-grasp
  stage enter { until in(mug, inside) }  # warning: lower-without-over
  stage enter_again { until in(mug, inside) while at_mouth(mug, inside) }  # warning: while-contradicts-until
  stage release { until released(mug) }
  stage swerve { until left_of(mug, inside) and right_of(mug, inside) }  # warning: contradictory-condition
  stage push { until touching(gripper, handle(microwave)) and not touching(gripper, handle(microwave)) }  # warning: contradictory-condition
  use close_part(microwave)
}

success bddl
