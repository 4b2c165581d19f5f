"""`python -m tgrpo` is the command `tgrpo`."""

from tgrpo.cli.app import main

if __name__ == "__main__":
    main()
