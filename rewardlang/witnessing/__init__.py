"""Whether a program can be satisfied: its stages as motions, followed in a simulator."""
