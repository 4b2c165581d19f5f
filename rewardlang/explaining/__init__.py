"""A checked program in plain words."""
