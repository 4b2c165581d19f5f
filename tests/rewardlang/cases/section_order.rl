rewardlang 1
scene "libero_object/pick_up_the_milk_and_place_it_in_the_basket"  # error: clause-order
task "pick up the milk and place it in the basket"
object milk = milk_1
shaping telescope  # error: clause-order
use place_in(milk, basket)
success bddl
object basket = basket_1_contain_region  # error: clause-order
success bddl  # error: repeated-clause
