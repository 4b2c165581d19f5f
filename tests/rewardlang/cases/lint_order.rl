rewardlang 1
task "put the black bowl in the bottom drawer of the cabinet and close it"
scene "libero_10/KITCHEN_SCENE4_put_the_black_bowl_in_the_bottom_drawer_of_the_cabinet_and_close_it"

object bowl = akita_black_bowl_1
object drawer = white_cabinet_1_bottom_region

all {
  use place_in(bowl, drawer)
  stage close { until closed(drawer) }  # warning: impossible-order
}

success bddl
