"""Weights & Biases and trackio: the metrics of a run, sent on where they are asked for.

Both speak the same language (`init`, `log`, `finish`); which of them, and where to, their own
environment variables say.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

TrackerName = Literal["wandb", "trackio"]
PROJECT = "tgrpo"


class TrackerMissingError(RuntimeError):
    """A tracker was asked for that is not installed; the text has the command that mends it."""


def expect_trackers(names: Sequence[str]) -> None:
    """Raise TrackerMissingError, with all that are missing."""
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if missing:
        raise TrackerMissingError(
            f"--log {' --log '.join(missing)}: not installed; pip install {' '.join(missing)}"
        )


class Tracker:
    """A run called `name` at one tracker; a run of that name that is there goes on."""

    def __init__(self, kind: TrackerName, name: str, config: Mapping[str, Any]):
        assert kind in get_args(TrackerName)
        self._module = importlib.import_module(kind)
        known = {"id": name} if kind == "wandb" else {}
        self._module.init(project=PROJECT, name=name, config=dict(config), resume="allow", **known)

    def log(self, phase: str, step: int, values: Mapping[str, float]) -> None:
        """Values as `phase/name`. Steps of phases count different things: `phase/step` beside."""
        named = {f"{phase}/{name}": value for name, value in values.items()}
        self._module.log({f"{phase}/step": step, **named})

    def close(self) -> None:
        self._module.finish()
