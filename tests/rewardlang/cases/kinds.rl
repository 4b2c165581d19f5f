rewardlang 1
task "put the yellow and white mug in the microwave and close it"
scene "libero_10/KITCHEN_SCENE6_put_the_yellow_and_white_mug_in_the_microwave_and_close_it"

object mug = white_yellow_mug_1
object microwave = microwave_1
object inside = microwave_1_heating_region

seq {
  stage a { until in(mug, microwave) }  # error: wrong-kind
  stage b { until closed(inside) }  # error: wrong-kind
  stage c { until grasped(inside) }  # error: wrong-kind
  stage d { until turned_on(microwave) }  # error: wrong-kind
  stage e { until lifted(gripper, 8 cm) }  # error: wrong-kind
  stage f { until lifted(8 cm, mug) }  # error: wrong-kind, wrong-unit
  stage g { until near(gripper, openness(microwave)) }  # error: wrong-kind
  stage h { until at_least(microwave, 50 %) }  # error: wrong-kind
  stage i { until at_least(openness(mug), 50 %) }  # error: wrong-kind
  use place_in(inside, mug)  # error: wrong-kind, wrong-kind
}

success bddl
