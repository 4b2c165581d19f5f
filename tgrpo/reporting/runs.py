"""A run's folder, read back: configuration, metrics by phase, results. Also of unfinished runs."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tgrpo.config import TrainConfig
from tgrpo.layers import ConfigError, file_layer, resolve
from tgrpo.training.suspicion import Validated, suspicious

Row = Mapping[str, float]


class RunError(ValueError):
    """A folder that holds no run, or one that cannot be read; the text says what to do."""


@dataclass(frozen=True, slots=True)
class RunHistory:
    """`phases[phase][step]` are the metrics written at that step; the last writing counts."""

    path: Path
    label: str  # unique among the runs of a page
    config: TrainConfig
    tasks: tuple[str, ...]
    phases: Mapping[str, Mapping[int, Row]]
    results: Mapping[str, Any] | None  # of the tests at its end; None: there were none yet

    def series(self, phase: str, name: str) -> tuple[list[int], list[float]]:
        """Steps and values of one metric, where it was written and finite."""
        rows = sorted(self.phases.get(phase, {}).items())
        pairs = [(step, row[name]) for step, row in rows if row.get(name) is not None]
        return [step for step, _ in pairs], [value for _, value in pairs]

    def names(self, phase: str, prefix: str) -> list[str]:
        """Metrics of a phase that begin with `prefix`, in the order they were first written."""
        rows = self.phases.get(phase, {}).values()
        return list(dict.fromkeys(name for row in rows for name in row if name.startswith(prefix)))

    @property
    def warnings(self) -> list[str]:
        """What looked like cheating in the validations, as the run was told."""
        rows = sorted(self.phases.get("validation", {}).items())
        history = [
            Validated(number, row["success"], _mean_phi(row, self.tasks)) for number, row in rows
        ]
        told = [suspicious(history[: end + 1]) for end in range(len(history))]
        return [text.removeprefix("warning: ") for text in told if text]

    @property
    def finished(self) -> bool:
        """The tests are of its last iteration: a run that is being made longer has earlier ones."""
        if self.results is None:
            return False
        return bool(self.results["candidates"]["last"]["iteration"] == self.config.iterations)

    @property
    def iterations(self) -> int:
        return max(self.phases.get("train", {}), default=0)


def _mean_phi(row: Row, tasks: Sequence[str]) -> float:
    return sum(row[f"phi/{task}"] for task in tasks) / max(1, len(tasks))


def read_runs(paths: Sequence[Path]) -> list[RunHistory]:
    """The runs in `paths`. Raises RunError with everything that is wrong with them."""
    runs, mistakes = [], []
    for label, path in zip(_labels(paths), paths, strict=True):
        try:
            runs.append(_read(path, label))
        except RunError as error:
            mistakes.append(str(error))
    if mistakes:
        raise RunError("\n".join(mistakes))
    return runs


def _read(path: Path, label: str) -> RunHistory:
    if not (path / "metrics.jsonl").is_file():
        raise RunError(f"{path} is no run's folder: it has no metrics.jsonl{_nearest(path)}")
    try:
        config = resolve([file_layer(path / "config.toml")])
    except ConfigError as error:
        raise RunError(f"{path}: its config.toml does not fit this version: {error}") from None
    about = _json(path / "run.json")
    return RunHistory(
        path=path,
        label=label,
        config=config,
        tasks=tuple(about.get("tasks", ())),
        phases=_phases(path / "metrics.jsonl"),
        results=_results(path / "results.json"),
    )


def _results(path: Path) -> dict[str, Any] | None:
    """The tests at the end of a training run; `tgrpo sft` writes none."""
    found = _json(path) if path.is_file() else {}
    return found if "candidates" in found else None


def _phases(path: Path) -> dict[str, dict[int, Row]]:
    """A line that a killed process left unfinished is left out."""
    phases: dict[str, dict[int, Row]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        phases.setdefault(row.pop("phase"), {})[row.pop("step")] = row
    return phases


def _json(path: Path) -> dict[str, Any]:
    try:
        value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path} cannot be read: {error}") from None
    return value


def _labels(paths: Sequence[Path]) -> list[str]:
    """The folders' names, with as much of the path before them as tells them apart."""
    depth = 1
    while True:
        names = ["/".join(path.resolve().parts[-depth:]) for path in paths]
        if len(set(names)) == len(set(map(Path.resolve, paths))) or depth > 20:
            return names
        depth += 1


def _nearest(path: Path) -> str:
    """Runs beside or below the place that was named."""
    folder = path if path.is_dir() else path.parent
    runs = sorted(found.parent for found in folder.glob("*/metrics.jsonl"))
    if not runs:
        return "; runs are the folders that `tgrpo train` prints"
    names = [str(run) for run in runs]
    near = difflib.get_close_matches(str(path), names, n=3, cutoff=0.0)
    return f"; did you mean {' or '.join(near)}?"
