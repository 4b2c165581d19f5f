rewardlang 1
task "put the chocolate pudding to the right of the plate"
scene "libero_90/LIVING_ROOM_SCENE6_put_the_chocolate_pudding_to_the_right_of_the_plate"

object pudding = chocolate_pudding_1
object plate_right = living_room_table_plate_right_region

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, pudding) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 {
    until grasped(pudding) for 3 steps
    while near(gripper, pudding, 8 cm)
  }
  # 5 cm tell a lift from a push.
  stage lift weight 1 { until lifted(pudding, 5 cm) while grasped(pudding) }
  stage carry weight 3 { until above(pudding, plate_right) while grasped(pudding) }
  # LIBERO's goal, held or not: the pudding is over the zone, less than 10 cm up, even in
  # the air. The episode ends there, before any release.
  stage lower weight 2 { until on(pudding, plate_right) while over(pudding, plate_right) }
}

success bddl
