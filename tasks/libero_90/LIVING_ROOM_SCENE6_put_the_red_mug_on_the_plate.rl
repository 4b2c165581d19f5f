rewardlang 1
task "put the red mug on the plate"
scene "libero_90/LIVING_ROOM_SCENE6_put_the_red_mug_on_the_plate"

object mug = red_coffee_mug_1
object plate = plate_1

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, mug) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 { until grasped(mug) for 3 steps while near(gripper, mug, 8 cm) }
  # The plate is 2 cm high; 5 cm clear it and tell a lift from a tilt.
  stage lift weight 1 { until lifted(mug, 5 cm) while grasped(mug) }
  # Anywhere over the plate will do here; lowering has to centre.
  stage carry weight 3 { until above(mug, plate) while grasped(mug) }
  # LIBERO's goal, held or not: the mug touches the plate, their centres less than 3 cm
  # apart. The episode ends there, before any release.
  stage lower weight 2 { until on(mug, plate) while over(mug, plate) }
}

success bddl
