rewardlang 1
task "put the yellow and white mug on the right plate"
scene "libero_90/LIVING_ROOM_SCENE5_put_the_yellow_and_white_mug_on_the_right_plate"

object mug = white_yellow_mug_1
# Two plates look alike. This one starts in the zone "right"; plate_1 starts in the zone
# "left".
object right_plate = plate_2

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, mug) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 { until grasped(mug) for 3 steps while near(gripper, mug, 8 cm) }
  # The right plate is 2 cm high; 5 cm clear it and tell a lift from a tilt.
  stage lift weight 1 { until lifted(mug, 5 cm) while grasped(mug) }
  # Anywhere over the right plate will do here; lowering has to centre.
  stage carry weight 3 { until above(mug, right_plate) while grasped(mug) }
  # LIBERO's goal, held or not: the mug touches the right plate, their centres less than 3
  # cm apart. The episode ends there, before any release.
  stage lower weight 2 { until on(mug, right_plate) while over(mug, right_plate) }
}

success bddl
