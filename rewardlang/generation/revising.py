"""A program that is there -> a better one: its mistakes repaired, or changed as somebody asks."""

from __future__ import annotations

import re
from dataclasses import replace

from rewardlang.api import Analysis
from rewardlang.generation.drafting import Draft, Prove, improved
from rewardlang.llm.model import LanguageModel
from rewardlang.prompting.messages import (
    Finding,
    Wanted,
    asking_for_correction,
    asking_for_edit,
)
from rewardlang.scene import Scene
from rewardlang.scene.catalogue import seen_from

_TASK = re.compile(r'^\s*task\s+"([^"\n]*)"', re.MULTILINE)


def wanted_of(analysis: Analysis, scene: Scene) -> Wanted:
    """What a program was written for, as far as it says."""
    scene = seen_from(analysis.source.folder, scene)
    said = _TASK.search(analysis.source.text)
    instruction = said[1] if said else scene.instruction
    if analysis.tree is not None:
        return Wanted(scene, instruction, analysis.tree.success.expr is not None)
    return Wanted(scene, instruction, instruction != scene.instruction)


def repaired(
    model: LanguageModel,
    wanted: Wanted,
    program: str,
    findings: tuple[Finding, ...],
    *,
    attempts: int,
    prove: Prove | None = None,
) -> Draft:
    """The program without what was found in it. Raises EndpointError.

    No grammar holds the answer: it would take the user's comments and names away.
    """
    asked = asking_for_correction(wanted, program, findings)
    return improved(model, wanted, asked, attempts=attempts, prove=prove)


def edited(
    model: LanguageModel, wanted: Wanted, program: str, request: str, *, attempts: int
) -> Draft:
    """The program, changed as requested, its goal too. Raises EndpointError."""
    asked = asking_for_edit(wanted, program, request)
    return improved(model, replace(wanted, own_goal=None), asked, attempts=attempts)
