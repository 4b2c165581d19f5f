rewardlang 1
task ""  # error: bad-string
scene ""  # error: bad-string

object milk = milk_1

stage reach { until near(gripper, milk) }

success bddl
