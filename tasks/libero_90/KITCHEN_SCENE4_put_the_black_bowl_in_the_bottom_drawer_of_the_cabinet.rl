rewardlang 1
task "put the black bowl in the bottom drawer of the cabinet"
scene "libero_90/KITCHEN_SCENE4_put_the_black_bowl_in_the_bottom_drawer_of_the_cabinet"

object bowl = akita_black_bowl_1
object drawer = white_cabinet_1_bottom_region

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, bowl) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 { until grasped(bowl) for 3 steps while near(gripper, bowl, 8 cm) }
  # The drawer's rim is 7 cm above the bowl's underside: 10 cm clear it.
  stage lift weight 1 { until lifted(bowl, 10 cm) while grasped(bowl) }
  stage carry weight 3 { until above(bowl, drawer) while grasped(bowl) }
  # LIBERO's goal, held or not: the bowl's centre is inside the drawer. The episode ends
  # there, before any release.
  stage lower weight 2 { until in(bowl, drawer) while over(bowl, drawer) }
}

success bddl
