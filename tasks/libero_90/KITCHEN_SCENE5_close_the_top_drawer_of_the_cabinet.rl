rewardlang 1
task "close the top drawer of the cabinet"
scene "libero_90/KITCHEN_SCENE5_close_the_top_drawer_of_the_cabinet"

object drawer = white_cabinet_1_top_region

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  stage reach weight 1 { until near(gripper, handle(drawer)) }
  # LIBERO's goal: the drawer is pushed in beyond its joint's zero, further than merely
  # shut. A gripper that has left has to reach again.
  stage push weight 3 { until closed(drawer) while near(gripper, handle(drawer), 15 cm) }
}

success bddl
