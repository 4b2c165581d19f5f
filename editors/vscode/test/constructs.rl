# Nearly every construct of the language, for the snapshot of the highlighting.
rewardlang 1
task "put the black bowl in the bottom drawer of the cabinet and close it" # with a comment behind
scene "libero_10/KITCHEN_SCENE4_put_the_black_bowl_in_the_bottom_drawer_of_the_cabinet_and_close_it"

object bowl = akita_black_bowl_1
object drawer = white_cabinet_1_bottom_region

seq whole while not shut(drawer) {
  stage reach weight 1.5 latch {
    until near(gripper, bowl, 30 mm) for 1 step
    progress dist(gripper, bowl) from reset to 0.03 m
    while upright(bowl, 60 deg) or upright(bowl, 1 rad)
  }
  any {
    use place_in(bowl, drawer) as placed
    stage put { until in(bowl, drawer) and at_least(openness(drawer), 50 %) }
  }
  all weight 2 {
    stage close live { until closed(drawer) for 3 steps while near(gripper, handle(drawer), 8 cm) }
    keep calm weight 0.1 { at_most(height(bowl), 20 cm) and (not touching(gripper, bowl)) }
  }
}

success when in(bowl, drawer) and closed(drawer)
shaping pbrs gamma 1
penalty tipped cost 0.1 when not upright(bowl, 60 deg)
