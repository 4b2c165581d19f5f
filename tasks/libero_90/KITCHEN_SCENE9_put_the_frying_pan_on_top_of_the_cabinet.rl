rewardlang 1
task "put the frying pan on top of the cabinet"
scene "libero_90/KITCHEN_SCENE9_put_the_frying_pan_on_top_of_the_cabinet"

object frypan = chefmate_8_frypan_1
object shelf_top = wooden_two_layer_shelf_1_top_side

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, frypan) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 {
    until grasped(frypan) for 3 steps
    while near(gripper, frypan, 8 cm)
  }
  # The shelf top's rim is 21 cm above the frypan's underside: 23 cm clear it.
  stage lift weight 1 { until lifted(frypan, 23 cm) while grasped(frypan) }
  stage carry weight 3 { until above(frypan, shelf_top) while grasped(frypan) }
  # LIBERO's goal, held or not: the frypan touches, its centre within the edges of the
  # shelf top. The episode ends there, before any release.
  stage lower weight 2 { until on(frypan, shelf_top) while over(frypan, shelf_top) }
}

success bddl
