rewardlang 1
task "put the frying pan on the cabinet shelf"
scene "libero_90/KITCHEN_SCENE9_put_the_frying_pan_on_the_cabinet_shelf"

object frypan = chefmate_8_frypan_1
object upper_shelf = wooden_two_layer_shelf_1_top_region

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, frypan) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 {
    until grasped(frypan) for 3 steps
    while near(gripper, frypan, 8 cm)
  }
  # The floor of the upper shelf is 7 cm above the frypan's underside: 9 cm clear it.
  stage lift weight 1 { until lifted(frypan, 9 cm) while grasped(frypan) }
  # The way in is from the front, between 7 and 20 cm up.
  stage carry weight 3 { until at_mouth(frypan, upper_shelf) while grasped(frypan) }
  # LIBERO's goal, held or not: the frypan's centre is inside the upper shelf. The episode
  # ends there, before any release.
  stage insert weight 2 { until in(frypan, upper_shelf) while grasped(frypan) }
}

success bddl
