rewardlang 1
task "put the black bowl at the front on the plate"
scene "libero_90/KITCHEN_SCENE2_put_the_black_bowl_at_the_front_on_the_plate"

# Three bowls look alike. This one starts in the zone "front"; akita_black_bowl_2 starts
# in the zone "middle"; akita_black_bowl_3 starts in the zone "back".
object front_bowl = akita_black_bowl_1
object plate = plate_1

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, front_bowl) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 {
    until grasped(front_bowl) for 3 steps
    while near(gripper, front_bowl, 8 cm)
  }
  # The plate is 2 cm high; 5 cm clear it and tell a lift from a tilt.
  stage lift weight 1 { until lifted(front_bowl, 5 cm) while grasped(front_bowl) }
  # Anywhere over the plate will do here; lowering has to centre.
  stage carry weight 3 { until above(front_bowl, plate) while grasped(front_bowl) }
  # LIBERO's goal, held or not: the front bowl touches the plate, their centres less than
  # 3 cm apart. The episode ends there, before any release.
  stage lower weight 2 { until on(front_bowl, plate) while over(front_bowl, plate) }
}

success bddl
