"""What is wanted -> one program: planned, or the best of a model's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rewardlang.api import Analysis, analyze
from rewardlang.generation.choosing import Choice, choose
from rewardlang.generation.drafting import draft
from rewardlang.generation.form import ProgramForm
from rewardlang.llm.model import LanguageModel
from rewardlang.planning.planner import PlannerError, plan
from rewardlang.prompting.messages import Finding, Wanted

Audit = Callable[[str, Wanted], tuple[Finding, ...]]
"""A program's text -> what fails in the simulator."""


class MakeError(ValueError):
    """No program without errors came of it. `choice` is the best there is, if any."""

    def __init__(self, message: str, choice: Choice | None = None):
        super().__init__(message)
        self.choice = choice


@dataclass(frozen=True, slots=True)
class Manner:
    """How a model is asked: plan first, answers per program, programs to choose from."""

    plan: bool = True
    attempts: int = 3
    samples: int = 1
    constrained: bool = True


@dataclass(frozen=True)
class Program:
    """A program without errors. choice: how a model came to it; None for the planner's."""

    wanted: Wanted
    analysis: Analysis
    choice: Choice | None = None

    @property
    def text(self) -> str:
        return self.analysis.source.text


def planned(wanted: Wanted) -> Program:
    """The planner's program. Raises MakeError."""
    try:
        text = plan(wanted.scene)
    except PlannerError as error:
        raise MakeError(str(error)) from error
    analysis = analyze(text, name="plan", scene=wanted.scene)
    if not analysis.ok:
        wrong = "; ".join(found.message for found in analysis.diagnostics if found.is_error)
        raise MakeError(f"the plan for {wanted.scene.id} is no program: {wrong}")
    return Program(wanted, analysis)


def modelled(
    model: LanguageModel, wanted: Wanted, manner: Manner, audit: Audit | None = None
) -> Program:
    """A model's program. Raises MakeError, EndpointError."""
    form = ProgramForm(wanted) if manner.constrained else None
    drafts = [
        draft(model, wanted, attempts=manner.attempts, plan=manner.plan, form=form, sample=sample)
        for sample in range(manner.samples)
    ]
    choice = choose(drafts, (lambda text: float(len(audit(text, wanted)))) if audit else None)
    return finished(wanted, choice)


def finished(wanted: Wanted, choice: Choice) -> Program:
    """The chosen program. Raises MakeError where it has errors."""
    attempt = choice.attempt
    if attempt.analysis is None or not attempt.is_usable:
        raise MakeError(_failed(choice), choice)
    return Program(wanted, attempt.analysis, choice)


def _failed(choice: Choice) -> str:
    answers = f"{choice.answers} answer{'' if choice.answers == 1 else 's'}"
    if choice.attempt.fault:
        return f"no program came of {answers}: {choice.attempt.answer.finish} answer"
    errors = choice.attempt.badness[0]
    return f"the best of {answers} has {errors} error{'' if errors == 1 else 's'}"
