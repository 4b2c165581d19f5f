"""Instruction to task, and LIBERO's goal to a program, without a model."""
