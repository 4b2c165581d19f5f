rewardlang 1
task "put the middle black bowl on the plate"
scene "libero_90/KITCHEN_SCENE2_put_the_middle_black_bowl_on_the_plate"

# Three bowls look alike. This one starts in the zone "middle"; akita_black_bowl_1
# starts in the zone "front"; akita_black_bowl_3 starts in the zone "back".
object middle_bowl = akita_black_bowl_2
object plate = plate_1

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, middle_bowl) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 {
    until grasped(middle_bowl) for 3 steps
    while near(gripper, middle_bowl, 8 cm)
  }
  # The plate is 2 cm high; 5 cm clear it and tell a lift from a tilt.
  stage lift weight 1 { until lifted(middle_bowl, 5 cm) while grasped(middle_bowl) }
  # Anywhere over the plate will do here; lowering has to centre.
  stage carry weight 3 { until above(middle_bowl, plate) while grasped(middle_bowl) }
  # LIBERO's goal, held or not: the middle bowl touches the plate, their centres less than
  # 3 cm apart. The episode ends there, before any release.
  stage lower weight 2 { until on(middle_bowl, plate) while over(middle_bowl, plate) }
}

success bddl
