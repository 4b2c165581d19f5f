"""`python -m tgrpo` is the command `tgrpo`."""

from tgrpo.cli import main

if __name__ == "__main__":
    main()
