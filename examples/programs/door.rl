rewardlang 1
task "open the door"
scene "robosuite/Door"

seq {
  stage reach weight 1 { until near(gripper, handle(door), 5 cm) }
  stage pull weight 2 { until open(door) }
}

success when open(door)
