rewardlang 1
task "put the milk in the basket and leave it upright"
scene "libero_object/pick_up_the_milk_and_place_it_in_the_basket"

object milk = milk_1
object basket = basket_1_contain_region

use place_in(milk, basket)

success when (in(milk, basket) and upright(milk, 30 deg)) for 5 steps
shaping telescope
