rewardlang 1
task "put the white mug on the plate and put the chocolate pudding to the right of the plate"
scene "libero_10/LIVING_ROOM_SCENE6_put_the_white_mug_on_the_plate_and_put_the_chocolate_pudding_to_the_right_of_the_plate"

object mug = porcelain_mug_1
object plate = plate_1
object pudding = chocolate_pudding_1
object plate_right = living_room_table_plate_right_region

# Neither goal waits for the other, so they stand side by side.
all {
  seq mug_on {
    stage reach weight 1 { until near(gripper, mug) }
    # Three steps, because contacts flicker; a gripper that has left has to reach again.
    stage grasp weight 2 { until grasped(mug) for 3 steps while near(gripper, mug, 8 cm) }
    # The plate is 2 cm high; 5 cm clear it and tell a lift from a tilt.
    stage lift weight 1 { until lifted(mug, 5 cm) while grasped(mug) }
    # Anywhere over the plate will do here; lowering has to centre.
    stage carry weight 3 { until above(mug, plate) while grasped(mug) }
    # LIBERO's goal: the mug touches the plate, their centres less than 3 cm apart.
    stage lower weight 2 { until on(mug, plate) while over(mug, plate) }
    stage release weight 1 { until released(mug) while on(mug, plate) }
  }
  seq pudding_on {
    stage reach weight 1 { until near(gripper, pudding) }
    stage grasp weight 2 {
      until grasped(pudding) for 3 steps
      while near(gripper, pudding, 8 cm)
    }
    # 5 cm tell a lift from a push.
    stage lift weight 1 { until lifted(pudding, 5 cm) while grasped(pudding) }
    stage carry weight 3 { until above(pudding, plate_right) while grasped(pudding) }
    # LIBERO's goal: the pudding is over the zone, less than 10 cm up, even in the air.
    stage lower weight 2 {
      until on(pudding, plate_right)
      while over(pudding, plate_right)
    }
    stage release weight 1 { until released(pudding) while on(pudding, plate_right) }
  }
}

success bddl
