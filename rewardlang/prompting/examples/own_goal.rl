rewardlang 1
task "stand the wine bottle on the plate and leave it upright"
scene "libero_goal/put_the_wine_bottle_on_top_of_the_cabinet"

seq {
  stage reach weight 1 { until near(gripper, wine_bottle_1) }
  stage grasp weight 2 {
    until grasped(wine_bottle_1) for 3 steps
    while near(gripper, wine_bottle_1, 8 cm)
  }
  stage lift weight 1 { until lifted(wine_bottle_1, 6 cm) while grasped(wine_bottle_1) }
  stage carry weight 3 {
    until above(wine_bottle_1, plate_1)
    while grasped(wine_bottle_1)
  }
  stage lower weight 2 {
    until resting(wine_bottle_1, plate_1)
    while over(wine_bottle_1, plate_1)
  }
}

success when (resting(wine_bottle_1, plate_1) and upright(wine_bottle_1, 20 deg)) for 5 steps
penalty tipped cost 0.1 when not upright(wine_bottle_1, 60 deg)
