"""Skills without learning: the demonstrator, and ways to earn without doing the task."""
