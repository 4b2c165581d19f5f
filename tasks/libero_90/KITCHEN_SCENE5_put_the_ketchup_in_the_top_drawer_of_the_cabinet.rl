rewardlang 1
task "put the ketchup in the top drawer of the cabinet"
scene "libero_90/KITCHEN_SCENE5_put_the_ketchup_in_the_top_drawer_of_the_cabinet"

object ketchup = ketchup_1
object drawer = white_cabinet_1_top_region

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, ketchup) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 {
    until grasped(ketchup) for 3 steps
    while near(gripper, ketchup, 8 cm)
  }
  # The drawer's rim is 21 cm above the ketchup's underside: 24 cm clear it.
  stage lift weight 1 { until lifted(ketchup, 24 cm) while grasped(ketchup) }
  stage carry weight 3 { until above(ketchup, drawer) while grasped(ketchup) }
  # LIBERO's goal, held or not: the ketchup's centre is inside the drawer. The episode
  # ends there, before any release.
  stage lower weight 2 { until in(ketchup, drawer) while over(ketchup, drawer) }
}

success bddl
