rewardlang 1
task "put the bowl on the plate"
scene "libero_goal/put_the_bowl_on_the_plate"

object bowl = akita_black_bowl_1
object plate = plate_1

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, bowl) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 { until grasped(bowl) for 3 steps while near(gripper, bowl, 8 cm) }
  # The plate is 2 cm high; 5 cm clear it and tell a lift from a tilt.
  stage lift weight 1 { until lifted(bowl, 5 cm) while grasped(bowl) }
  # Anywhere over the plate will do here; lowering has to centre.
  stage carry weight 3 { until above(bowl, plate) while grasped(bowl) }
  # LIBERO's goal, held or not: the bowl touches the plate, their centres less than 3 cm
  # apart. The episode ends there, before any release.
  stage lower weight 2 { until on(bowl, plate) while over(bowl, plate) }
}

success bddl
