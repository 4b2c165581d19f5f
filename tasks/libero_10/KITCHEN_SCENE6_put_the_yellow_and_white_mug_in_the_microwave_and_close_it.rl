rewardlang 1
task "put the yellow and white mug in the microwave and close it"
scene "libero_10/KITCHEN_SCENE6_put_the_yellow_and_white_mug_in_the_microwave_and_close_it"

object mug = white_yellow_mug_1
object microwave_interior = microwave_1_heating_region
object microwave = microwave_1

# The mug is placed first, then the microwave is shut.
seq {
  seq mug_in weight 2 while not shut(microwave) {
    stage reach weight 1 { until near(gripper, mug) }
    # Three steps, because contacts flicker; a gripper that has left has to reach again.
    stage grasp weight 2 { until grasped(mug) for 3 steps while near(gripper, mug, 8 cm) }
    # The floor of the microwave interior is 2 cm up; 5 cm clear it and tell a lift from a
    # tilt.
    stage lift weight 1 { until lifted(mug, 5 cm) while grasped(mug) }
    # The way in is from the front, between 2 and 18 cm up.
    stage carry weight 3 { until at_mouth(mug, microwave_interior) while grasped(mug) }
    # LIBERO's goal: the mug's centre is inside the microwave interior.
    stage insert weight 2 { until in(mug, microwave_interior) while grasped(mug) }
    stage release weight 1 { until released(mug) while in(mug, microwave_interior) }
  }
  seq microwave_closed weight 1 {
    stage reach weight 1 { until near(gripper, handle(microwave)) }
    # LIBERO's goal: the microwave is open by less than 0.3 degrees. A gripper that has left
    # has to reach again.
    stage push weight 3 {
      until closed(microwave)
      while near(gripper, handle(microwave), 15 cm)
    }
  }
}

success bddl
