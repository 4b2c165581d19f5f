"""A witness as plain data, for JSON."""

from __future__ import annotations

from typing import Any

from rewardlang import ir
from rewardlang.witnessing.following import Walk
from rewardlang.witnessing.witness import Witness


def document(witness: Witness, share: float | None) -> dict[str, Any]:
    """Everything that is known of it. `share`: of the states, that had to be satisfied."""
    return {
        "program": witness.program.source.name,
        "scene": witness.program.scene,
        "witnessed": witness.proves(share),
        "satisfied": witness.satisfied,
        "states": [_walk(witness.program, walk) for walk in witness.walks],
        "no motion known": {path: list(words) for path, words in witness.unknown.items()},
    }


def _walk(program: ir.Program, walk: Walk) -> dict[str, Any]:
    return {
        "state": walk.state,
        "ending": str(walk.ending),
        "steps": walk.score.steps,
        "phi": walk.score.phi[-1],
        "success": walk.score.success,
        "native success": walk.score.native_success,
        "stages": [
            {
                "stage": stage.path,
                "finished": walk.score.finished.get(stage.path),
                "steps": walk.steps_in.get(stage.path, 0),
                "left unfinished": walk.left.get(stage.path, 0),
            }
            for stage in ir.stages(program)
        ],
        "stage": walk.stage,
        "stayed false": [
            {"condition": item.condition, "nearest": item.nearest} for item in walk.shortfalls
        ],
        "doing": walk.doing,
    }
