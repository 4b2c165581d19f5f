rewardlang 1
task "pick up the orange juice and put it in the basket"
scene "libero_90/LIVING_ROOM_SCENE2_pick_up_the_orange_juice_and_put_it_in_the_basket"

object juice = orange_juice_1
object basket = basket_1_contain_region

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, juice) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 {
    until grasped(juice) for 3 steps
    while near(gripper, juice, 8 cm)
  }
  # The basket's rim is 14 cm above the juice's underside: 16 cm clear it.
  stage lift weight 1 { until lifted(juice, 16 cm) while grasped(juice) }
  stage carry weight 3 { until above(juice, basket) while grasped(juice) }
  # LIBERO's goal, held or not: the juice's centre is inside the basket. The episode ends
  # there, before any release.
  stage lower weight 2 { until in(juice, basket) while over(juice, basket) }
}

success bddl
