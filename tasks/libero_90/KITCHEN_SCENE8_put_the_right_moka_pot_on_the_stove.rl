rewardlang 1
task "put the right moka pot on the stove"
scene "libero_90/KITCHEN_SCENE8_put_the_right_moka_pot_on_the_stove"

# Two pots look alike. This one starts in the zone "right"; moka_pot_2 starts in the
# zone "left".
object right_pot = moka_pot_1
object burner = flat_stove_1_cook_region
object stove = flat_stove_1

all {
  seq right_pot_on {
    stage reach weight 1 { until near(gripper, right_pot) }
    # Three steps, because contacts flicker; a gripper that has left has to reach again.
    stage grasp weight 2 {
      until grasped(right_pot) for 3 steps
      while near(gripper, right_pot, 8 cm)
    }
    # The burner is 2 cm high; 5 cm clear it and tell a lift from a tilt.
    stage lift weight 1 { until lifted(right_pot, 5 cm) while grasped(right_pot) }
    stage carry weight 3 { until above(right_pot, burner) while grasped(right_pot) }
    # LIBERO's goal, held or not: the right pot touches, its centre within the edges of the
    # burner. The episode ends there, before any release.
    stage lower weight 2 { until on(right_pot, burner) while over(right_pot, burner) }
  }
  # True at reset: it earns nothing, and costs its share while undone.
  keep stove_on weight 0.5 { turned_on(stove) }
}

success bddl
