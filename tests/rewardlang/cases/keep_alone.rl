rewardlang 1
task "pick up the milk and place it in the basket"
scene "libero_object/pick_up_the_milk_and_place_it_in_the_basket"

keep up { upright(milk_1, 60 deg) }  # error: misplaced-keep

success when in(milk_1, basket_1_contain_region)
shaping pbrs gamma 1.5  # error: bad-gamma
