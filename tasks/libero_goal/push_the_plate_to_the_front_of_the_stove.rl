rewardlang 1
task "push the plate to the front of the stove"
scene "libero_goal/push_the_plate_to_the_front_of_the_stove"

object plate = plate_1
object stove_front = main_table_stove_front_region

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, plate) }
  stage touch weight 1 { until touching(gripper, plate) while near(gripper, plate, 8 cm) }
  # LIBERO's goal: the plate is over the zone, less than 10 cm up, even in the air. A
  # gripper that has left has to reach again.
  stage push weight 3 { until on(plate, stove_front) while near(gripper, plate, 8 cm) }
}

success bddl
