"""What a configuration of a large policy needs, by arithmetic: memory and time, nothing loaded."""
