rewardlang 1
task "put the wine bottle in the bottom drawer of the cabinet"
scene "libero_90/KITCHEN_SCENE4_put_the_wine_bottle_in_the_bottom_drawer_of_the_cabinet"

object bottle = wine_bottle_1
object drawer = white_cabinet_1_bottom_region

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, bottle) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 {
    until grasped(bottle) for 3 steps
    while near(gripper, bottle, 8 cm)
  }
  # The drawer's rim is 7 cm above the bottle's underside: 10 cm clear it.
  stage lift weight 1 { until lifted(bottle, 10 cm) while grasped(bottle) }
  stage carry weight 3 { until above(bottle, drawer) while grasped(bottle) }
  # LIBERO's goal, held or not: the bottle's centre is inside the drawer. The episode ends
  # there, before any release.
  stage lower weight 2 { until in(bottle, drawer) while over(bottle, drawer) }
}

success bddl
