"""`tgrpo doctor`: what keeps people from starting, each with the one command that mends it.

A check looks at one part of the machine and judges what it saw. Looking may fail, crash or hang,
judging is pure: facts in, findings out. `checks.CHECKS` is the table of all of them.
"""
