"""Syntax tree and scene to the checked program: the vocabulary, names, kinds, units, suspicions."""
