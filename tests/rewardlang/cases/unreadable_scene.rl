rewardlang 1
task "lift the milk"
scene "no_such_folder/lift_the_milk.bddl"  # error: unreadable-scene

stage lift { until lifted(milk_1, 8 cm) while grasped(milk_1) }

success when lifted(milk_1, 8 cm)
