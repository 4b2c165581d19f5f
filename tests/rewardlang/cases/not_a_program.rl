def reward(state): return 1.0  # error: not-a-program
