rewardlang 1
task "put both moka pots on the stove"
scene "libero_10/KITCHEN_SCENE8_put_both_moka_pots_on_the_stove"

# Two pots look alike. This one starts in the zone "right"; moka_pot_2 starts in the
# zone "left".
object right_pot = moka_pot_1
object burner = flat_stove_1_cook_region
object left_pot = moka_pot_2
object stove = flat_stove_1

# Neither goal waits for the other, so they stand side by side.
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
    # LIBERO's goal: the right pot touches, its centre within the edges of the burner.
    stage lower weight 2 { until on(right_pot, burner) while over(right_pot, burner) }
    stage release weight 1 { until released(right_pot) while on(right_pot, burner) }
  }
  seq left_pot_on {
    stage reach weight 1 { until near(gripper, left_pot) }
    stage grasp weight 2 {
      until grasped(left_pot) for 3 steps
      while near(gripper, left_pot, 8 cm)
    }
    stage lift weight 1 { until lifted(left_pot, 5 cm) while grasped(left_pot) }
    stage carry weight 3 { until above(left_pot, burner) while grasped(left_pot) }
    # LIBERO's goal: the left pot touches, its centre within the edges of the burner.
    stage lower weight 2 { until on(left_pot, burner) while over(left_pot, burner) }
    stage release weight 1 { until released(left_pot) while on(left_pot, burner) }
  }
  # True at reset: it earns nothing, and costs its share while undone.
  keep stove_on weight 0.5 { turned_on(stove) }
}

success bddl
