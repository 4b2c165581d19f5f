"""`python -m rewardlang`."""

from rewardlang.cli import main

main()
