"""The `rewardlang` command: arguments in, text and exit code out.

Exit codes: 0 all is well, 1 the input has errors, 2 the command was used wrongly.
"""

from rewardlang.cli.app import app, main

__all__ = ["app", "main"]
