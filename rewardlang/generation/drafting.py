"""Plan, write, analyse, correct: one model's attempts at one program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rewardlang.api import Analysis, analyze
from rewardlang.generation.answers import program_in, with_header, without_thoughts
from rewardlang.grammars.limits import TOKEN_LIMIT
from rewardlang.grammars.naming import numbered
from rewardlang.llm.model import (
    Answer,
    Constraint,
    Finish,
    LanguageModel,
    Message,
    Question,
    Usage,
    total,
)
from rewardlang.planning.declaring import declared
from rewardlang.prompting.messages import (
    Finding,
    Wanted,
    asking_for_plan,
    asking_for_program,
    asking_for_repair,
    findings_of,
    opening,
)
from rewardlang.syntax.formatter import format_program

PLAN_TOKENS = 4096  # models that think count their thoughts
PROGRAM_TOKENS = TOKEN_LIMIT
LONGEST_PROGRAM = 4 * PROGRAM_TOKENS  # characters, comments and blanks included

Prove = Callable[[str], tuple[Finding, ...]]
"""The text of a program without errors -> what fails in the simulator."""

_FAULTS = {
    Finish.CUT: "Your answer was cut off at the longest allowed length. Write a shorter program: "
    "few stages, macros where they fit.",
    Finish.TOO_LONG: "Your answer was far longer than any program may be. Write a short program.",
    Finish.REFUSED: "You did not answer with a program. The task is harmless: a robot arm in a "
    "simulator moves household things.",
    Finish.EMPTY: "Your answer was empty.",
}
_NOT_OWN = Finding(
    "goal-not-mentioned",
    "this task has a goal of its own: the program must end with `success when` and its condition",
)
_NOT_NATIVE = Finding(
    "goal-not-mentioned",
    "this is the benchmark's own task: the program must end with `success bddl`",
)


@dataclass(frozen=True)
class Attempt:
    """One answer and what is wrong with it.

    analysis   of the program, in canonical layout where it has no errors; None where there is none
    findings   what the model is told is wrong; empty for a program without errors and warnings
    fault      what is wrong with the answer as such; "" for nothing
    """

    answer: Answer
    analysis: Analysis | None
    findings: tuple[Finding, ...]
    fault: str = ""

    @property
    def text(self) -> str:
        """The program; "" where there is none."""
        return self.analysis.source.text if self.analysis else ""

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Of the findings, those with which it is no program yet."""
        diagnostics = self.analysis.diagnostics if self.analysis else ()
        told = zip(self.findings, diagnostics, strict=False)  # those of the goal come after
        wrong = [finding for finding, found in told if found.is_error]
        return (*wrong, *(found for found in self.findings if found in (_NOT_OWN, _NOT_NATIVE)))

    @property
    def badness(self) -> tuple[int, int]:
        """Errors, then warnings; what is no program at all is worse than any."""
        if self.analysis is None:
            return (1 << 20, 0)
        return (len(self.errors) + bool(self.fault), len(self.findings))

    @property
    def is_usable(self) -> bool:
        """Whether it is a program without errors."""
        return self.badness[0] == 0


@dataclass(frozen=True)
class Draft:
    """The attempts at one program; `planned` is the plan's answer."""

    attempts: tuple[Attempt, ...]
    planned: Answer | None = None

    @property
    def best(self) -> Attempt:
        """The attempt with the fewest errors, then warnings; of equals the first."""
        return min(self.attempts, key=lambda attempt: attempt.badness)

    @property
    def usage(self) -> Usage:
        """What all of it cost; answers from the cache cost nothing."""
        answers = [attempt.answer for attempt in self.attempts]
        answers += [self.planned] if self.planned else []
        return total([answer.usage for answer in answers if not answer.cached])


def draft(
    model: LanguageModel,
    wanted: Wanted,
    *,
    attempts: int,
    plan: bool = True,
    form: Constraint | None = None,
    sample: int = 0,
) -> Draft:
    """A program for what is wanted: `attempts` answers at most. Raises EndpointError."""
    messages = opening(wanted)
    planned = None
    if plan:
        question = Question(asking_for_plan(messages), PLAN_TOKENS, sample=sample)
        planned = model.answer(question)
    whole = planned is not None and planned.finish is Finish.WHOLE
    thought = without_thoughts(planned.text).strip() if planned and whole else ""
    asked = asking_for_program(messages, wanted, thought)
    made = improved(model, wanted, asked, attempts=attempts, form=form, sample=sample)
    return replace(made, planned=planned)


def improved(
    model: LanguageModel,
    wanted: Wanted,
    asked: tuple[Message, ...],
    *,
    attempts: int,
    form: Constraint | None = None,
    sample: int = 0,
    prove: Prove | None = None,
) -> Draft:
    """The answers to `asked`, each told what is wrong with the one before.

    What `prove` finds in a program that passes all checks is told like a warning.
    """
    made: list[Attempt] = []
    messages = asked
    while len(made) < attempts:
        answer = model.answer(Question(messages, PROGRAM_TOKENS, form, sample))
        attempt = judged(answer, wanted)
        if prove and attempt.badness == (0, 0):
            attempt = replace(attempt, findings=prove(attempt.text))
        made.append(attempt)
        if attempt.badness == (0, 0):
            break
        messages = asking_for_repair(asked, attempt.text, attempt.findings, attempt.fault)
    return Draft(tuple(made))


def judged(answer: Answer, wanted: Wanted) -> Attempt:
    """What an answer is worth."""
    text = program_in(answer.text)
    finish = Finish.TOO_LONG if len(text) > LONGEST_PROGRAM else answer.finish
    if fault := _FAULTS.get(finish):
        return Attempt(answer, None, (), fault)
    analysis = analysed(text, wanted)
    return Attempt(answer, analysis, (*findings_of(analysis), *_goal_findings(analysis, wanted)))


def analysed(text: str, wanted: Wanted) -> Analysis:
    """The program under its proper header, in canonical layout where it has no errors."""
    headed = with_header(text, wanted.instruction, wanted.scene.id)
    analysis = analyze(headed, name="answer", scene=wanted.scene)
    if analysis.tree is None:
        return analysis
    formatted = format_program(declared(numbered(analysis.tree), wanted.scene))
    return analyze(formatted, name="answer", scene=wanted.scene)


def _goal_findings(analysis: Analysis, wanted: Wanted) -> Sequence[Finding]:
    """Whether it ends with the kind of success that was asked for."""
    if analysis.tree is None or wanted.own_goal is None:
        return ()
    native = analysis.tree.success.expr is None
    if native == wanted.own_goal:
        return (_NOT_OWN,) if native else (_NOT_NATIVE,)
    return ()
