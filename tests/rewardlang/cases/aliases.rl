rewardlang 1
task "pick up the milk and place it in the basket"
scene "libero_object/pick_up_the_milk_and_place_it_in_the_basket"

object milk = milk_1
object milk = butter_1  # error: duplicate-object
object near = basket_1_contain_region  # error: reserved-name
object gripper = butter_1  # error: reserved-name
object soup = gripper  # error: wrong-kind
object butter_1 = chocolate_pudding_1  # error: reserved-name
object carton = milk_1  # warning: object-twice, unused-object

seq {
  use place_in(milk, near)
  stage done { until released(soup) and near(butter_1, milk) }
}

success bddl
