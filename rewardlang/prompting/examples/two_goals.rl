rewardlang 1
task "put both the cream cheese box and the butter in the basket"
scene "libero_10/LIVING_ROOM_SCENE2_put_both_the_cream_cheese_box_and_the_butter_in_the_basket"

all {
  seq cheese_in {
    stage reach weight 1 { until near(gripper, cream_cheese_1) }
    stage grasp weight 2 {
      until grasped(cream_cheese_1) for 3 steps
      while near(gripper, cream_cheese_1, 8 cm)
    }
    stage lift weight 1 {
      until lifted(cream_cheese_1, 16 cm)
      while grasped(cream_cheese_1)
    }
    stage carry weight 3 {
      until above(cream_cheese_1, basket_1_contain_region)
      while grasped(cream_cheese_1)
    }
    stage lower weight 2 {
      until in(cream_cheese_1, basket_1_contain_region)
      while over(cream_cheese_1, basket_1_contain_region)
    }
    stage release weight 1 {
      until released(cream_cheese_1)
      while in(cream_cheese_1, basket_1_contain_region)
    }
  }
  use place_in(butter_1, basket_1_contain_region) as butter_in
}

success bddl
