rewardlang 1
task "pick up the milk and place it in the basket"
scene "libero_object/pick_up_the_milk_and_put_it_in_the_basket"  # error: unknown-scene

# Without a scene, what needs none is checked all the same.
seq {
  stage reach weight 0 { until near(gripper, milk_1) }  # error: bad-weight
  stage reach { until grapsed(milk_1) }  # error: duplicate-name, unknown-predicate
}

success bddl
