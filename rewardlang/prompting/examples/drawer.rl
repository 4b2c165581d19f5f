rewardlang 1
task "open the middle drawer of the cabinet"
scene "libero_goal/open_the_middle_drawer_of_the_cabinet"

seq {
  stage reach weight 1 { until near(gripper, handle(wooden_cabinet_1_middle_region)) }
  stage pull weight 3 {
    until open(wooden_cabinet_1_middle_region)
    while near(gripper, handle(wooden_cabinet_1_middle_region), 8 cm)
  }
}

success bddl
