rewardlang 1
task "pick up the ketchup and put it in the basket"
scene "libero_90/LIVING_ROOM_SCENE1_pick_up_the_ketchup_and_put_it_in_the_basket"

object ketchup = ketchup_1
object basket = basket_1_contain_region

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, ketchup) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 {
    until grasped(ketchup) for 3 steps
    while near(gripper, ketchup, 8 cm)
  }
  # The basket's rim is 14 cm above the ketchup's underside: 16 cm clear it.
  stage lift weight 1 { until lifted(ketchup, 16 cm) while grasped(ketchup) }
  stage carry weight 3 { until above(ketchup, basket) while grasped(ketchup) }
  # LIBERO's goal, held or not: the ketchup's centre is inside the basket. The episode
  # ends there, before any release.
  stage lower weight 2 { until in(ketchup, basket) while over(ketchup, basket) }
}

success bddl
