Sure! This program rewards placing:  # error: text-around-program

rewardlang 1
task "pick up the milk and place it in the basket"
scene "libero_object/pick_up_the_milk_and_place_it_in_the_basket"

object milk = milk_1
object basket = basket_1_contain_region

use place_in(milk, basket)

success bddl
