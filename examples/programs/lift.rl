rewardlang 1
task "lift the cube"
scene "robosuite/Lift"

seq {
  stage reach weight 1 { until near(gripper, cube) }
  stage grasp weight 2 { until grasped(cube) for 3 steps while near(gripper, cube, 8 cm) }
  stage lift weight 3 { until lifted(cube, 4 cm) while grasped(cube) }
}

success when lifted(cube, 4 cm)
