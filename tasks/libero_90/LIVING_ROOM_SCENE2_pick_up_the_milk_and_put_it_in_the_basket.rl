rewardlang 1
task "pick up the milk and put it in the basket"
scene "libero_90/LIVING_ROOM_SCENE2_pick_up_the_milk_and_put_it_in_the_basket"

object milk = milk_1
object basket = basket_1_contain_region

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, milk) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 { until grasped(milk) for 3 steps while near(gripper, milk, 8 cm) }
  # The basket's rim is 14 cm above the milk's underside: 16 cm clear it.
  stage lift weight 1 { until lifted(milk, 16 cm) while grasped(milk) }
  stage carry weight 3 { until above(milk, basket) while grasped(milk) }
  # LIBERO's goal, held or not: the milk's centre is inside the basket. The episode ends
  # there, before any release.
  stage lower weight 2 { until in(milk, basket) while over(milk, basket) }
}

success bddl
