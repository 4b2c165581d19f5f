rewardlang 1
task "leave the milk upright in the basket"
scene "libero_object/pick_up_the_milk_and_place_it_in_the_basket"

use place_in(milk_1, basket_1_contain_region)

success when in(milk_1, basket_1_contain_region) and upright(milk_1, 30 deg) for 5 steps
shaping telescope gamma 0.99  # warning: discounting
