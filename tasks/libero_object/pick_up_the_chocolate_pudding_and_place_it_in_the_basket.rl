rewardlang 1
task "pick up the chocolate pudding and place it in the basket"
scene "libero_object/pick_up_the_chocolate_pudding_and_place_it_in_the_basket"

object pudding = chocolate_pudding_1
object basket = basket_1_contain_region

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, pudding) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 {
    until grasped(pudding) for 3 steps
    while near(gripper, pudding, 8 cm)
  }
  # The basket's rim is 14 cm above the pudding's underside: 16 cm clear it.
  stage lift weight 1 { until lifted(pudding, 16 cm) while grasped(pudding) }
  stage carry weight 3 { until above(pudding, basket) while grasped(pudding) }
  # LIBERO's goal, held or not: the pudding's centre is inside the basket. The episode
  # ends there, before any release.
  stage lower weight 2 { until in(pudding, basket) while over(pudding, basket) }
}

success bddl
