rewardlang 1
task "pick up the milk and place it in the basket"
scene "libero_object/pick_up_the_milk_and_place_it_in_the_basket"

object milk = milk_1
object basket = basket_1_contain_region

seq {
  stage reach { untill near(gripper, milk) }  # error: misspelt-keyword
  Stage grasp wieght 2 { until grasped(milk) for 3 stps }  # error: misspelt-keyword, misspelt-keyword, misspelt-keyword
  stage lift { until lifted(milk, 8 cm) wihle grasped(milk) }  # error: misspelt-keyword
  stage Carry { until above(milk, basket) while grasped(milk) }  # error: bad-name
  stage lower { until in(milk, basket) && over(milk, basket) }  # error: unknown-character
  stage check { until dist(milk, basket) < 5 cm }  # error: unknown-character
  stage m { until released(milk) while in(milk, basket); }  # error: reserved-word, unknown-character
  stage stage { until released(milk) }  # error: reserved-word
  seq wieght 2 { use place_in(milk, basket) }  # error: misspelt-keyword
}

success bddl
