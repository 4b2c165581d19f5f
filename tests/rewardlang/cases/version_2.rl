rewardlang 2  # error: unsupported-version
task "pick up the milk and place it in the basket"
vectors { a, b }
