rewardlang 1
task "pick up the milk and place it in the basket"
scene "libero_object/pick_up_the_milk_and_place_it_in_the_basket"

object milk = milk_1
object basket = basket_1_contain_region

seq {
  object butter = butter_1  # error: clause-order
  use place_in(milk, basket)
  use place_in(butter, basket)
}

success bddl
