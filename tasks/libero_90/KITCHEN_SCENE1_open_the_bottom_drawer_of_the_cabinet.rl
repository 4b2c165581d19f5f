rewardlang 1
task "open the bottom drawer of the cabinet"
scene "libero_90/KITCHEN_SCENE1_open_the_bottom_drawer_of_the_cabinet"

object drawer = wooden_cabinet_1_bottom_region

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, handle(drawer)) }
  # LIBERO's goal: the drawer is pulled out by more than 14 cm. A gripper that has left
  # has to reach again.
  stage pull weight 3 { until open(drawer) while near(gripper, handle(drawer), 8 cm) }
}

success bddl
