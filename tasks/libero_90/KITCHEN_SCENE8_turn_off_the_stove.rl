rewardlang 1
task "turn off the stove"
scene "libero_90/KITCHEN_SCENE8_turn_off_the_stove"

object stove = flat_stove_1

# A weight is a stage's share of the reward before success; success outranks them all.
seq {
  # The stove's handle is its knob.
  stage reach weight 1 { until near(gripper, handle(stove)) }
  # LIBERO's goal: the knob is turned back beyond its joint's zero, further than merely
  # off. A gripper that has left has to reach again.
  stage turn weight 3 { until turned_off(stove) while near(gripper, handle(stove), 8 cm) }
}

success bddl
