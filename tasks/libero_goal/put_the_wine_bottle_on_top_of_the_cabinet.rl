rewardlang 1
task "put the wine bottle on top of the cabinet"
scene "libero_goal/put_the_wine_bottle_on_top_of_the_cabinet"

object bottle = wine_bottle_1
object cabinet_top = wooden_cabinet_1_top_side

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, bottle) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 {
    until grasped(bottle) for 3 steps
    while near(gripper, bottle, 8 cm)
  }
  # The cabinet top's rim is 22 cm above the bottle's underside: 24 cm clear it.
  stage lift weight 1 { until lifted(bottle, 24 cm) while grasped(bottle) }
  stage carry weight 3 { until above(bottle, cabinet_top) while grasped(bottle) }
  # LIBERO's goal, held or not: the bottle touches, its centre within the edges of the
  # cabinet top. The episode ends there, before any release.
  stage lower weight 2 { until on(bottle, cabinet_top) while over(bottle, cabinet_top) }
}

success bddl
