"""From bin centres to the robot's actions, with the statistics of the data set it learnt from.

OpenVLA's actions are normalised by quantiles: -1 is a dimension's 1 % quantile, 1 its 99 % one;
where the mask is false the value is the data's own (the gripper: 0 closed … 1 open).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, Field, ValidationError

from tgrpo.trajectory import ACTION_DIM

FILE = "dataset_statistics.json"
STATE_DIM = 8  # of the robot's state, as OpenVLA-OFT is told it
_NO_NOOPS = "_no_noops"  # suffix of LIBERO's data sets as OpenVLA's authors filtered them


class StatisticsError(ValueError):
    """No statistics for the suite; lists those that there are."""


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Of each dimension of a data set's actions or states, and which of them are normalised."""

    low: tuple[float, ...]  # 1 % quantiles
    high: tuple[float, ...]  # 99 % quantiles
    mask: tuple[bool, ...]

    def unnormalise(self, normalised: np.ndarray) -> np.ndarray:
        """Values (…, n) in [-1, 1] to the data set's units: ½ (x + 1)(high - low) + low."""
        low, high = np.array(self.low), np.array(self.high)
        return np.where(self.mask, 0.5 * (normalised + 1.0) * (high - low) + low, normalised)

    def normalise(self, values: np.ndarray) -> np.ndarray:
        """Values (…, n) in the data set's units to [-1, 1]; what `unnormalise` is undone by.

        A dimension whose quantiles are equal carries nothing: 0.
        """
        low, high = np.array(self.low), np.array(self.high)
        width = np.where(high > low, high - low, 1.0)
        scaled = np.where(high > low, 2.0 * (values - low) / width - 1.0, 0.0)
        return np.where(self.mask, np.clip(scaled, -1.0, 1.0), values)


@dataclass(frozen=True, slots=True)
class ActionStatistics(Quantiles):
    """Of the seven dimensions of an action; `state` of the robot's, where there are any."""

    state: Quantiles | None = None


Statistics = Mapping[str, ActionStatistics]  # by name of the data set


def to_libero(actions: np.ndarray) -> np.ndarray:
    """Un-normalised actions (…, 7) to LIBERO's: gripper 1 (open) is -1 there, 0 (closed) is 1.

    The gripper's value is taken by its sign: -sign(2 g - 1), and 0 for exactly ½.
    """
    gripper = -np.sign(2.0 * actions[..., -1:] - 1.0)
    return np.concatenate([actions[..., :-1], gripper], axis=-1)


def from_libero(actions: np.ndarray) -> np.ndarray:
    """LIBERO's actions (…, 7) to the data sets' convention: what `to_libero` is undone by."""
    gripper = (1.0 - np.sign(actions[..., -1:])) / 2.0
    return np.concatenate([actions[..., :-1], gripper], axis=-1)


def statistics_key(statistics: Statistics, suite: str) -> str:
    """The data set of `suite`: its name, or that with `_no_noops`. Raises StatisticsError."""
    for key in (suite, suite + _NO_NOOPS):
        if key in statistics:
            return key
    raise StatisticsError(
        f"no action statistics for {suite!r} (nor {suite + _NO_NOOPS!r}) in this checkpoint; "
        f"it has: {', '.join(sorted(statistics))} (--set openvla.unnorm_key=NAME takes one of them)"
    )


def read_statistics(
    folder: Path, norm_stats: Mapping[str, Any] | None
) -> tuple[Statistics, list[str]]:
    """Statistics by data set, and what is wrong with them.

    `dataset_statistics.json` (of what a checkpoint was fine-tuned on) goes before `norm_stats` of
    config.json, as in OpenVLA's own evaluation.
    """
    source, table = "config.json: norm_stats", norm_stats
    if (folder / FILE).is_file():
        source = FILE
        try:
            table = json.loads((folder / FILE).read_text(encoding="utf-8"))
        except ValueError as error:
            return {}, [f"{FILE}: not JSON: {error}"]
    if not table:
        missing = f"no action statistics: neither {FILE} nor norm_stats in config.json is there"
        return {}, [missing]
    return _parse(source, table)


class _Quantiles(BaseModel):
    q01: list[float] = Field(min_length=ACTION_DIM, max_length=ACTION_DIM)
    q99: list[float] = Field(min_length=ACTION_DIM, max_length=ACTION_DIM)
    mask: list[bool] | None = Field(default=None, min_length=ACTION_DIM, max_length=ACTION_DIM)


class _StateQuantiles(BaseModel):
    q01: list[float] = Field(min_length=STATE_DIM, max_length=STATE_DIM)
    q99: list[float] = Field(min_length=STATE_DIM, max_length=STATE_DIM)
    mask: list[bool] | None = Field(default=None, min_length=STATE_DIM, max_length=STATE_DIM)


class _DataSet(BaseModel):
    action: _Quantiles
    proprio: Any = None  # of many shapes, and of no meaning but to OpenVLA-OFT


def _parse(source: str, table: Mapping[str, Any]) -> tuple[Statistics, list[str]]:
    found: dict[str, ActionStatistics] = {}
    problems = []
    for key, value in table.items():
        try:
            read = _DataSet.model_validate(value)
        except ValidationError as invalid:
            for error in invalid.errors():
                where = ".".join(str(part) for part in (key, *error["loc"]))
                problems.append(f"{source}: {where}: {error['msg']}")
            continue
        action, mask = read.action, tuple(read.action.mask or [True] * ACTION_DIM)
        state = _state(read.proprio)
        found[key] = ActionStatistics(tuple(action.q01), tuple(action.q99), mask, state)
    return found, problems


def _state(proprio: Any) -> Quantiles | None:
    try:
        read = _StateQuantiles.model_validate(proprio)
    except ValidationError:
        return None
    mask = tuple(read.mask or [True] * STATE_DIM)
    return Quantiles(tuple(read.q01), tuple(read.q99), mask)
