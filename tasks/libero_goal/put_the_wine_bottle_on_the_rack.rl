rewardlang 1
task "put the wine bottle on the rack"
scene "libero_goal/put_the_wine_bottle_on_the_rack"

object bottle = wine_bottle_1
object rack = wine_rack_1_top_region

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, bottle) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 {
    until grasped(bottle) for 3 steps
    while near(gripper, bottle, 8 cm)
  }
  # The rack's rim is 24 cm above the bottle's underside: 27 cm clear it.
  stage lift weight 1 { until lifted(bottle, 27 cm) while grasped(bottle) }
  stage carry weight 3 { until above(bottle, rack) while grasped(bottle) }
  # LIBERO's goal, held or not: the bottle touches, its centre within the edges of the
  # rack. The episode ends there, before any release.
  stage lower weight 2 { until on(bottle, rack) while over(bottle, rack) }
}

success bddl
