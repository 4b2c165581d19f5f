"""Scores as plain data, for JSON. Steps count from 1; null: never."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rewardlang import ir
from rewardlang.scoring.score import EpisodeScore
from rewardlang.scoring.summary import Summary


def document(
    program: ir.Program, max_steps: int, scores: Sequence[EpisodeScore], summary: Summary
) -> dict[str, Any]:
    """Everything that is known of the episodes, Φ and reward of every step included."""
    stages = [stage.path for stage in ir.stages(program)]
    return {
        "program": program.source.name,
        "scene": program.scene,
        "shaping": program.shaping,
        "max_steps": max_steps,
        "summary": _summary(summary),
        "episodes": [_episode(item, stages) for item in scores],
    }


def _summary(summary: Summary) -> dict[str, Any]:
    data = asdict(summary)
    data["return"] = data.pop("total_reward")
    data["stages"] = {stage.pop("path"): stage for stage in data["stages"]}
    return {**data, "never_reached": list(summary.never_reached)}


def _episode(item: EpisodeScore, stages: Sequence[str]) -> dict[str, Any]:
    spent = item.spent
    return {
        "file": item.file,
        "name": item.name,
        "steps": item.steps,
        "return": item.total_reward,
        "success": item.success,
        "native_success": item.native_success,
        "solved": item.solved,
        "stages": {
            path: {"finished": item.finished.get(path), "spent": spent.get(path, 0)}
            for path in stages
        },
        "phi": list(item.phi),
        "rewards": list(item.rewards),
    }
