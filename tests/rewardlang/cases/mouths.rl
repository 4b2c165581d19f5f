rewardlang 1
task "put the yellow and white mug in the microwave and close it"
scene "libero_10/KITCHEN_SCENE6_put_the_yellow_and_white_mug_in_the_microwave_and_close_it"

object mug = white_yellow_mug_1
object inside = microwave_1_heating_region
object top = microwave_1_top_side
object other = porcelain_mug_1

seq {
  stage a { until at_mouth(mug, inside) and at_mouth(other, inside, 10 cm) }
  stage b { until at_mouth(mug, top) }  # error: wrong-kind
  stage c { until at_mouth(mug, other) }  # error: wrong-kind
  stage d { until at_mouth(mug, microwave_1) }  # error: wrong-kind
  stage e { until at_mouth(mug, inside, 50 %) }  # error: wrong-unit
  stage f { until at_mouth(mug) }  # error: wrong-argument-count
  stage g { until left_of(mug, gripper) }  # error: wrong-kind
  stage h { until right_of(mug, mug) }  # error: same-argument
  stage i { until behind(mug, other, 30 deg) }  # error: wrong-unit
  stage j { until in_front_of(mug) }  # error: wrong-argument-count
  stage k { until in_front(mug, other) }  # error: unknown-predicate
  stage l { until left(mug, other) }  # error: unknown-predicate
  use push_to(inside, mug)  # error: wrong-kind
  use close_prt(microwave_1)  # error: unknown-macro
  use open_part(inside)  # error: wrong-kind
}

success bddl
