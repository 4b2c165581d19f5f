rewardlang 1
task "pick up the milk and place it in the basket"
scene "libero_object/pick_up_the_milk_and_place_it_in_the_basket"

object milk = milk_1
object basket = basket_1_contain_region

# Names that hold a keyword: `until_now` is none, and "a string # holds no comment".
seq until_now {
  stage reach { until near(gripper, milk) }
  stage carry weight 3 { until above(milk, basket) while grasped(milk) }
  stage lower weight 2 { until in(milk, basket) while over(milk, butter_1) }
}

success bddl
shaping telescope gamma 1
