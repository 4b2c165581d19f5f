rewardlang 1
task "open the top drawer of the cabinet"
scene "libero_90/KITCHEN_SCENE2_open_the_top_drawer_of_the_cabinet"

object drawer = wooden_cabinet_1_top_region

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, handle(drawer)) }
  # LIBERO's goal: the drawer is pulled out by more than 14 cm. A gripper that has left
  # has to reach again.
  stage pull weight 3 { until open(drawer) while near(gripper, handle(drawer), 8 cm) }
}

success bddl
