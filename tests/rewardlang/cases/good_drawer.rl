rewardlang 1
task "put the black bowl in the bottom drawer of the cabinet and close it"
scene "libero_10/KITCHEN_SCENE4_put_the_black_bowl_in_the_bottom_drawer_of_the_cabinet_and_close_it"

object bowl = akita_black_bowl_1
object drawer = white_cabinet_1_bottom_region

# The drawer is open at reset: the bowl goes in first, then the drawer is shut.
seq {
  use place_in(bowl, drawer) weight 2 while not shut(drawer)
  seq close weight 1 {
    stage reach_handle { until near(gripper, handle(drawer)) }
    stage push weight 3 { until closed(drawer) }
  }
}

success bddl
