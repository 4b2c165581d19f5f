rewardlang 1
task "put the white mug on the left plate and put the yellow and white mug on the right plate"
scene "libero_10/LIVING_ROOM_SCENE5_put_the_white_mug_on_the_left_plate_and_put_the_yellow_and_white_mug_on_the_right_plate"

object porcelain_mug = porcelain_mug_1
# Two plates look alike. This one starts in the zone "left"; plate_2 starts in the zone
# "right".
object left_plate = plate_1
object yellow_mug = white_yellow_mug_1
object right_plate = plate_2

# Neither goal waits for the other, so they stand side by side.
all {
  seq porcelain_mug_on {
    stage reach weight 1 { until near(gripper, porcelain_mug) }
    # Three steps, because contacts flicker; a gripper that has left has to reach again.
    stage grasp weight 2 {
      until grasped(porcelain_mug) for 3 steps
      while near(gripper, porcelain_mug, 8 cm)
    }
    # The left plate is 2 cm high; 5 cm clear it and tell a lift from a tilt.
    stage lift weight 1 { until lifted(porcelain_mug, 5 cm) while grasped(porcelain_mug) }
    # Anywhere over the left plate will do here; lowering has to centre.
    stage carry weight 3 {
      until above(porcelain_mug, left_plate)
      while grasped(porcelain_mug)
    }
    # LIBERO's goal: the porcelain mug touches the left plate, their centres less than 3 cm
    # apart.
    stage lower weight 2 {
      until on(porcelain_mug, left_plate)
      while over(porcelain_mug, left_plate)
    }
    stage release weight 1 {
      until released(porcelain_mug)
      while on(porcelain_mug, left_plate)
    }
  }
  seq yellow_mug_on {
    stage reach weight 1 { until near(gripper, yellow_mug) }
    stage grasp weight 2 {
      until grasped(yellow_mug) for 3 steps
      while near(gripper, yellow_mug, 8 cm)
    }
    # The right plate is 2 cm high; 5 cm clear it and tell a lift from a tilt.
    stage lift weight 1 { until lifted(yellow_mug, 5 cm) while grasped(yellow_mug) }
    # Anywhere over the right plate will do here; lowering has to centre.
    stage carry weight 3 {
      until above(yellow_mug, right_plate)
      while grasped(yellow_mug)
    }
    # LIBERO's goal: the yellow mug touches the right plate, their centres less than 3 cm
    # apart.
    stage lower weight 2 {
      until on(yellow_mug, right_plate)
      while over(yellow_mug, right_plate)
    }
    stage release weight 1 {
      until released(yellow_mug)
      while on(yellow_mug, right_plate)
    }
  }
}

success bddl
