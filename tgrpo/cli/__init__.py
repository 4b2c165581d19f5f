"""The `tgrpo` command."""

from tgrpo.cli.app import app, main

__all__ = ["app", "main"]
