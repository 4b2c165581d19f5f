rewardlang 1
task "pick up the black bowl between the plate and the ramekin and place it on the plate"
scene "libero_spatial/pick_up_the_black_bowl_between_the_plate_and_the_ramekin_and_place_it_on_the_plate"

object bowl = akita_black_bowl_1
object other_bowl = akita_black_bowl_2
object plate = plate_1
object ramekin = glazed_rim_porcelain_ramekin_1

seq {
  use place_on(bowl, plate)
  stage wrong_bowl { until grasped(other_bowl) }  # warning: look-alike
  stage wrong_place { until on(bowl, ramekin) while over(bowl, ramekin) }  # warning: extra-goal
}

success bddl
