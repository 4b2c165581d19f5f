"""TGRPO: critic-free online reinforcement learning on LIBERO, driven by reward programs.

`tgrpo.training.trainer.train` is the whole run on one page; the command `tgrpo` is made of it.
"""

from rewardlang import __version__

__all__ = ["__version__"]
