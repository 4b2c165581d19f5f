"""A vocabulary of failures: every diagnostic code and audit check belongs to a class.

A model corrects a program better when it is told what kind of mistake it made and what that
costs, not only where.
"""

from __future__ import annotations

CLASSES = {
    "form": "the text is not what the grammar asks for; nothing around the program, nothing "
    "left open, clauses in their order",
    "name": "a name that does not exist or is taken; take it from the scene or the vocabulary",
    "kind": "a thing or quantity of a kind that cannot stand there",
    "number": "a weight, dwell, threshold or cost outside what makes sense for it",
    "goal": "the stages and the goal are not about the same thing; the reward would lead elsewhere",
    "order": "a stage that cannot follow the one before it, or can never be done",
    "credit": "reward that is kept after the work is undone, or paid without it",
    "signal": "the reward does not rise on the way to success, or not above what failures get",
}

_CODES = {
    "form": (
        "unreadable-file not-utf8 empty-program not-a-program text-around-program "
        "unsupported-version too-large too-deep unknown-character bad-string syntax "
        "misspelt-keyword missing-brace missing-stages several-roots clause-order "
        "repeated-clause too-many-errors"
    ),
    "name": (
        "unreadable-scene "
        "unknown-scene scene-mismatch unknown-object unknown-predicate unknown-measure "
        "unknown-macro reserved-name reserved-word bad-name duplicate-object duplicate-name "
        "unused-object object-twice"
    ),
    "kind": "wrong-kind wrong-argument-count wrong-unit same-argument missing-unit",
    "number": (
        "bad-number bad-weight bad-dwell bad-progress bad-penalty bad-gamma discounting "
        "implausible-threshold lopsided-weights weight-without-effect"
    ),
    "goal": (
        "task-mismatch empty-goal missing-success goal-not-mentioned goal-true-at-reset "
        "extra-goal look-alike"
    ),
    "order": (
        "duplicate-stage contradictory-condition while-contradicts-until lift-before-grasp "
        "impossible-order bad-live while-repeats-goal roof-from-above unprepared-while"
    ),
    "credit": (
        "carry-without-grasp lower-without-over placement-without-release misplaced-keep "
        "nothing-to-earn latched-goal"
    ),
}
_CLASS_OF = {code: name for name, codes in _CODES.items() for code in codes.split()}


def class_of(code: str) -> str:
    """The class of a diagnostic's code; what is no code is an audit's check: "signal"."""
    return _CLASS_OF.get(code, "signal")
