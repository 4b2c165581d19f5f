"""Python source bound to a simulator: snapshots, memory, rewards, LIBERO's own success."""
