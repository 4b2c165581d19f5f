"""What a run came to: the tested policies side by side, and the history of validations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tgrpo.intervals import Interval
from tgrpo.rollouts.evaluation import Evaluation, compare
from tgrpo.training.run_folder import RunFolder


@dataclass(frozen=True, slots=True)
class Candidate:
    """A policy that was tested. `iteration` 0 is the SFT policy."""

    name: str  # "sft", "last", "best": also the checkpoint's
    iteration: int
    evaluation: Evaluation


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What a run came to. `validation` is the history of mean success by iteration."""

    folder: RunFolder
    candidates: tuple[Candidate, ...]  # sft, last, best
    validation: Mapping[int, float]
    seconds: Mapping[str, float]  # where the time of the iterations went, summed

    def of(self, name: str) -> Candidate:
        return next(item for item in self.candidates if item.name == name)

    def gains(self, name: str) -> tuple[Interval, ...]:
        """Per task: success of candidate `name` minus that of SFT, paired over the states."""
        before, after = self.of("sft").evaluation.tasks, self.of(name).evaluation.tasks
        return tuple(compare(*pair) for pair in zip(before, after, strict=True))

    def as_json(self) -> dict[str, Any]:
        return {
            "candidates": {
                item.name: {"iteration": item.iteration, **item.evaluation.as_json()}
                for item in self.candidates
            },
            "gain_over_sft": {
                name: {
                    task.task: [gain.value, gain.low, gain.high]
                    for task, gain in zip(
                        self.of(name).evaluation.tasks, self.gains(name), strict=True
                    )
                }
                for name in ("last", "best")
            },
            "validation": {str(number): value for number, value in self.validation.items()},
            "seconds": dict(self.seconds),
        }

    @classmethod
    def from_json(cls, folder: RunFolder, value: Mapping[str, Any]) -> TrainingResult:
        """What `as_json` gave. Raises KeyError, TypeError, ValueError for anything else."""
        return cls(
            folder,
            tuple(
                Candidate(name, item["iteration"], Evaluation.from_json(item))
                for name, item in value["candidates"].items()
            ),
            {int(number): success for number, success in value["validation"].items()},
            value["seconds"],
        )


def read_result(folder: RunFolder) -> TrainingResult | None:
    """What the run came to when it last ended; None where it did not, or the file is damaged."""
    try:
        value = json.loads(folder.results.read_text(encoding="utf-8"))
        return TrainingResult.from_json(folder, value)
    except (FileNotFoundError, KeyError, TypeError, ValueError):
        return None
