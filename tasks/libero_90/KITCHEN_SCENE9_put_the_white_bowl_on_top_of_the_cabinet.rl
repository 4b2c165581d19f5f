rewardlang 1
task "put the white bowl on top of the cabinet"
scene "libero_90/KITCHEN_SCENE9_put_the_white_bowl_on_top_of_the_cabinet"

object bowl = white_bowl_1
object shelf_top = wooden_two_layer_shelf_1_top_side

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, bowl) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 { until grasped(bowl) for 3 steps while near(gripper, bowl, 8 cm) }
  # The shelf top's rim is 21 cm above the bowl's underside: 23 cm clear it.
  stage lift weight 1 { until lifted(bowl, 23 cm) while grasped(bowl) }
  stage carry weight 3 { until above(bowl, shelf_top) while grasped(bowl) }
  # LIBERO's goal, held or not: the bowl touches, its centre within the edges of the shelf
  # top. The episode ends there, before any release.
  stage lower weight 2 { until on(bowl, shelf_top) while over(bowl, shelf_top) }
}

success bddl
