rewardlang 1
task "put the black bowl on top of the cabinet"
scene "libero_90/KITCHEN_SCENE4_put_the_black_bowl_on_top_of_the_cabinet"

object bowl = akita_black_bowl_1
object cabinet_top = white_cabinet_1_top_side

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, bowl) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 { until grasped(bowl) for 3 steps while near(gripper, bowl, 8 cm) }
  # The cabinet top's rim is 22 cm above the bowl's underside: 24 cm clear it.
  stage lift weight 1 { until lifted(bowl, 24 cm) while grasped(bowl) }
  stage carry weight 3 { until above(bowl, cabinet_top) while grasped(bowl) }
  # LIBERO's goal, held or not: the bowl touches, its centre within the edges of the
  # cabinet top. The episode ends there, before any release.
  stage lower weight 2 { until on(bowl, cabinet_top) while over(bowl, cabinet_top) }
}

success bddl
