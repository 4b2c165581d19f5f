"""Checked program to Python source and line map. Pure and deterministic."""
