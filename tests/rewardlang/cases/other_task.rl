rewardlang 1
task "put the milk into the basket"  # error: task-mismatch
scene "libero_object/pick_up_the_milk_and_place_it_in_the_basket"

use place_in(milk_1, basket_1_contain_region)

success bddl
