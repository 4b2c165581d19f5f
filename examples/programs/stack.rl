rewardlang 1
task "stack the small cube on the large one"
scene "robosuite/Stack"

object small = cube_a
object large = cube_b

seq {
  use place_on(small, large)
  stage let_go { until released(small) while on(small, large) }
}

success when on(small, large) and released(small)
