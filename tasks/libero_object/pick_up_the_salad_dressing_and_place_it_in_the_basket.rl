rewardlang 1
task "pick up the salad dressing and place it in the basket"
scene "libero_object/pick_up_the_salad_dressing_and_place_it_in_the_basket"

object dressing = salad_dressing_1
object basket = basket_1_contain_region

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, dressing) }
  # Three steps, because contacts flicker; a gripper that has left has to reach again.
  stage grasp weight 2 {
    until grasped(dressing) for 3 steps
    while near(gripper, dressing, 8 cm)
  }
  # The basket's rim is 14 cm above the dressing's underside: 16 cm clear it.
  stage lift weight 1 { until lifted(dressing, 16 cm) while grasped(dressing) }
  stage carry weight 3 { until above(dressing, basket) while grasped(dressing) }
  # LIBERO's goal, held or not: the dressing's centre is inside the basket. The episode
  # ends there, before any release.
  stage lower weight 2 { until in(dressing, basket) while over(dressing, basket) }
}

success bddl
