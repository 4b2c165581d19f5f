rewardlang 1
task "put the white bowl to the right of the plate"
scene "libero_90/KITCHEN_SCENE7_put_the_white_bowl_to_the_right_of_the_plate"

object bowl = white_bowl_1
object plate_right = kitchen_table_plate_right_region

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, bowl) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 { until grasped(bowl) for 3 steps while near(gripper, bowl, 8 cm) }
  # 5 cm tell a lift from a push.
  stage lift weight 1 { until lifted(bowl, 5 cm) while grasped(bowl) }
  stage carry weight 3 { until above(bowl, plate_right) while grasped(bowl) }
  # LIBERO's goal, held or not: the bowl is over the zone, less than 10 cm up, even in the
  # air. The episode ends there, before any release.
  stage lower weight 2 { until on(bowl, plate_right) while over(bowl, plate_right) }
}

success bddl
