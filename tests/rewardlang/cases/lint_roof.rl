rewardlang 1
task "put the yellow and white mug in the microwave and close it"
scene "libero_10/KITCHEN_SCENE6_put_the_yellow_and_white_mug_in_the_microwave_and_close_it"

object mug = white_yellow_mug_1
object inside = microwave_1_heating_region
object other = porcelain_mug_1

all {
  seq by_stages {
    stage grasp { until grasped(mug) for 3 steps }
    stage carry { until above(mug, inside) while grasped(mug) }  # warning: roof-from-above
    stage lower { until in(mug, inside) while over(mug, inside) }  # warning: roof-from-above
    stage release { until released(mug) while in(mug, inside) }
  }
  seq by_macro {
    use place_in(other, inside)  # warning: roof-from-above
  }
  seq on_the_roof {  # nothing goes in after it
    stage grasp { until grasped(other) for 3 steps }
    stage carry { until above(other, inside) while grasped(other) }
    stage drop { until released(other) }
  }
}

success when in(mug, inside) and in(other, inside)
