rewardlang 1
task "stack the right bowl on the left bowl and place them in the tray"
scene "libero_90/LIVING_ROOM_SCENE4_stack_the_right_bowl_on_the_left_bowl_and_place_them_in_the_tray"

# Two bowls look alike. This one starts in the zone "left"; akita_black_bowl_2 starts in
# the zone "right".
object left_bowl = akita_black_bowl_1
object tray = wooden_tray_1_contain_region
object right_bowl = akita_black_bowl_2

# What stands below comes first.
seq {
  seq left_bowl_in {
    stage reach weight 1 { until near(gripper, left_bowl) }
    # Three steps, because contacts flicker; a gripper that has left has to reach again.
    stage grasp weight 2 {
      until grasped(left_bowl) for 3 steps
      while near(gripper, left_bowl, 8 cm)
    }
    # The tray's rim is 8 cm above the left bowl's underside: 11 cm clear it.
    stage lift weight 1 { until lifted(left_bowl, 11 cm) while grasped(left_bowl) }
    stage carry weight 3 { until above(left_bowl, tray) while grasped(left_bowl) }
    # LIBERO's goal: the left bowl's centre is inside the tray.
    stage lower weight 2 { until in(left_bowl, tray) while over(left_bowl, tray) }
    stage release weight 1 { until released(left_bowl) while in(left_bowl, tray) }
  }
  seq right_bowl_on {
    stage reach weight 1 { until near(gripper, right_bowl) }
    stage grasp weight 2 {
      until grasped(right_bowl) for 3 steps
      while near(gripper, right_bowl, 8 cm)
    }
    # The left bowl's rim is 8 cm above the right bowl's underside: 11 cm clear it.
    stage lift weight 1 { until lifted(right_bowl, 11 cm) while grasped(right_bowl) }
    # Anywhere over the left bowl will do here; lowering has to centre.
    stage carry weight 3 { until above(right_bowl, left_bowl) while grasped(right_bowl) }
    # LIBERO's goal, held or not: the right bowl touches the left bowl, their centres less
    # than 3 cm apart. The episode ends there, before any release.
    stage lower weight 2 {
      until on(right_bowl, left_bowl)
      while over(right_bowl, left_bowl)
    }
  }
}

success bddl
