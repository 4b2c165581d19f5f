rewardlang 1
task "put the frying pan under the cabinet shelf"
scene "libero_90/KITCHEN_SCENE9_put_the_frying_pan_under_the_cabinet_shelf"

object frypan = chefmate_8_frypan_1
object lower_shelf = wooden_two_layer_shelf_1_bottom_region

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, frypan) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 {
    until grasped(frypan) for 3 steps
    while near(gripper, frypan, 8 cm)
  }
  # The floor of the lower shelf is no higher than where the frypan starts; 5 cm set it
  # free.
  stage lift weight 1 { until lifted(frypan, 5 cm) while grasped(frypan) }
  # The way in is from the front, between 0 and 5 cm up.
  stage carry weight 3 { until at_mouth(frypan, lower_shelf) while grasped(frypan) }
  # LIBERO's goal, held or not: the frypan's centre is inside the lower shelf. The episode
  # ends there, before any release.
  stage insert weight 2 { until in(frypan, lower_shelf) while grasped(frypan) }
}

success bddl
