rewardlang 1
task "put both the alphabet soup and the cream cheese box in the basket"
scene "libero_10/LIVING_ROOM_SCENE1_put_both_the_alphabet_soup_and_the_cream_cheese_box_in_the_basket"

object soup = alphabet_soup_1
object basket = basket_1_contain_region
object cheese = cream_cheese_1

# Neither goal waits for the other, so they stand side by side.
all {
  seq soup_in {
    stage reach weight 1 { until near(gripper, soup) }
    # Three steps, because contacts flicker; a gripper that has left has to reach again.
    stage grasp weight 2 {
      until grasped(soup) for 3 steps
      while near(gripper, soup, 8 cm)
    }
    # The basket's rim is 14 cm above the soup's underside: 16 cm clear it.
    stage lift weight 1 { until lifted(soup, 16 cm) while grasped(soup) }
    stage carry weight 3 { until above(soup, basket) while grasped(soup) }
    # LIBERO's goal: the soup's centre is inside the basket.
    stage lower weight 2 { until in(soup, basket) while over(soup, basket) }
    stage release weight 1 { until released(soup) while in(soup, basket) }
  }
  seq cheese_in {
    stage reach weight 1 { until near(gripper, cheese) }
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
}

success bddl
