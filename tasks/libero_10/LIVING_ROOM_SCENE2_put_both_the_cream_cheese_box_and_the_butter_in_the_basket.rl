rewardlang 1
task "put both the cream cheese box and the butter in the basket"
scene "libero_10/LIVING_ROOM_SCENE2_put_both_the_cream_cheese_box_and_the_butter_in_the_basket"

object cheese = cream_cheese_1
object basket = basket_1_contain_region
object butter = butter_1

# Neither goal waits for the other, so they stand side by side.
all {
  seq cheese_in {
    stage reach weight 1 { until near(gripper, cheese) }
    # Three steps, because contacts flicker; a gripper that has left has to reach again.
    stage grasp weight 2 {
      until grasped(cheese) for 3 steps
      while near(gripper, cheese, 8 cm)
    }
    # The basket's rim is 14 cm above the cheese's underside: 16 cm clear it.
    stage lift weight 1 { until lifted(cheese, 16 cm) while grasped(cheese) }
    stage carry weight 3 { until above(cheese, basket) while grasped(cheese) }
    # LIBERO's goal: the cheese's centre is inside the basket.
    stage lower weight 2 { until in(cheese, basket) while over(cheese, basket) }
    stage release weight 1 { until released(cheese) while in(cheese, basket) }
  }
  seq butter_in {
    stage reach weight 1 { until near(gripper, butter) }
    stage grasp weight 2 {
      until grasped(butter) for 3 steps
      while near(gripper, butter, 8 cm)
    }
    # The basket's rim is 14 cm above the butter's underside: 16 cm clear it.
    stage lift weight 1 { until lifted(butter, 16 cm) while grasped(butter) }
    stage carry weight 3 { until above(butter, basket) while grasped(butter) }
    # LIBERO's goal: the butter's centre is inside the basket.
    stage lower weight 2 { until in(butter, basket) while over(butter, basket) }
    stage release weight 1 { until released(butter) while in(butter, basket) }
  }
}

success bddl
