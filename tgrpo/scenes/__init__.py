"""Scenes for the language, from LIBERO's own classes."""
