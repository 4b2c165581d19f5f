rewardlang 1
task "put the frying pan on the stove"
scene "libero_90/KITCHEN_SCENE3_put_the_frying_pan_on_the_stove"

object frypan = chefmate_8_frypan_1
object burner = flat_stove_1_cook_region

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, frypan) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 {
    until grasped(frypan) for 3 steps
    while near(gripper, frypan, 8 cm)
  }
  # The burner is 2 cm high; 5 cm clear it and tell a lift from a tilt.
  stage lift weight 1 { until lifted(frypan, 5 cm) while grasped(frypan) }
  stage carry weight 3 { until above(frypan, burner) while grasped(frypan) }
  # LIBERO's goal, held or not: the frypan touches, its centre within the edges of the
  # burner. The episode ends there, before any release.
  stage lower weight 2 { until on(frypan, burner) while over(frypan, burner) }
}

success bddl
