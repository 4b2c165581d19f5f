rewardlang 1
task "pick up the milk and place it in the basket"
scene "libero_objects/pick_up_the_milk_and_place_it_in_the_basket"  # error: unknown-scene

use place_in(milk_1, basket_1_contain_region)

success bddl
