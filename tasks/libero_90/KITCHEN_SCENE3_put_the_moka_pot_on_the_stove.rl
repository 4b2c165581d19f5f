rewardlang 1
task "put the moka pot on the stove"
scene "libero_90/KITCHEN_SCENE3_put_the_moka_pot_on_the_stove"

object pot = moka_pot_1
object burner = flat_stove_1_cook_region

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, pot) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 { until grasped(pot) for 3 steps while near(gripper, pot, 8 cm) }
  # The burner is 2 cm high; 5 cm clear it and tell a lift from a tilt.
  stage lift weight 1 { until lifted(pot, 5 cm) while grasped(pot) }
  stage carry weight 3 { until above(pot, burner) while grasped(pot) }
  # LIBERO's goal, held or not: the pot touches, its centre within the edges of the
  # burner. The episode ends there, before any release.
  stage lower weight 2 { until on(pot, burner) while over(pot, burner) }
}

success bddl
