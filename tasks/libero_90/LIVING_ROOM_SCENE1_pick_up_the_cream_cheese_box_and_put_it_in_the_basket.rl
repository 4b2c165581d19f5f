rewardlang 1
task "pick up the cream cheese box and put it in the basket"
scene "libero_90/LIVING_ROOM_SCENE1_pick_up_the_cream_cheese_box_and_put_it_in_the_basket"

object cheese = cream_cheese_1
object basket = basket_1_contain_region

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, cheese) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 {
    until grasped(cheese) for 3 steps
    while near(gripper, cheese, 8 cm)
  }
  # The basket's rim is 14 cm above the cheese's underside: 16 cm clear it.
  stage lift weight 1 { until lifted(cheese, 16 cm) while grasped(cheese) }
  stage carry weight 3 { until above(cheese, basket) while grasped(cheese) }
  # LIBERO's goal, held or not: the cheese's centre is inside the basket. The episode ends
  # there, before any release.
  stage lower weight 2 { until in(cheese, basket) while over(cheese, basket) }
}

success bddl
