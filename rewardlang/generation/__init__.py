"""Instruction -> program file: planned, or by a language model that is told its mistakes."""
