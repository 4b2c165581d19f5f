rewardlang 1
task "pick up the butter and put it in the basket"
scene "libero_90/LIVING_ROOM_SCENE2_pick_up_the_butter_and_put_it_in_the_basket"

object butter = butter_1
object basket = basket_1_contain_region

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, butter) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 {
    until grasped(butter) for 3 steps
    while near(gripper, butter, 8 cm)
  }
  # The basket's rim is 14 cm above the butter's underside: 16 cm clear it.
  stage lift weight 1 { until lifted(butter, 16 cm) while grasped(butter) }
  stage carry weight 3 { until above(butter, basket) while grasped(butter) }
  # LIBERO's goal, held or not: the butter's centre is inside the basket. The episode ends
  # there, before any release.
  stage lower weight 2 { until in(butter, basket) while over(butter, basket) }
}

success bddl
