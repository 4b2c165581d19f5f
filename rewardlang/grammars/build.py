"""Vocabulary and scene -> a grammar of programs that check, bounded, for constrained decoding.

What it accepts are whole programs without comments and `object` lines: things go by the scene's
own names, so that no name can be declared wrongly. With a scene, every name stands where its kind
allows it, and every quantity has a unit of the right dimension. What no such grammar can say, that
siblings have different names, is left to `naming.numbered`.

The layout is the formatter's, with its line breaks left free where they depend on a line's width.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum

from rewardlang.checking.library import MACROS
from rewardlang.grammars.conditions import PATTERNS, condition_rules, progress_rule, use_rules
from rewardlang.grammars.limits import DEFAULT, Limits
from rewardlang.grammars.model import (
    Alternative,
    Chars,
    Gap,
    Grammar,
    Item,
    Part,
    Pattern,
    Rule,
    grammar,
    maybe,
    one,
    rule,
    says,
    some,
)
from rewardlang.grammars.things import THING, AnyThings, SceneThings, Things
from rewardlang.scene import Scene

_OWN_NAME = Pattern(
    "own_name", ((Chars("a-z"), Chars("a-z0-9", 0, 11), Chars("_"), Chars("a-z0-9_", 1, 15)),)
)
_WEIGHT = Pattern(
    "share",
    (
        (Chars("1-9"), Chars("."), Chars("1-9")),
        (Chars("0"), Chars("."), Chars("1-9")),
        (Chars("1-9"),),
    ),
)
_COST = Pattern(
    "amount",
    ((Chars("0"), Chars("."), Chars("0"), Chars("1-9")), (Chars("0"), Chars("."), Chars("1"))),
)
_DISCOUNT = Pattern("discount", ((Chars("0"), Chars("."), Chars("9"), Chars("0-9", 0, 3)),))
_MODES = ("seq", "all", "any")
_TEXT = Pattern("text", ((Chars("A-Za-z0-9_/ ", 1, 200),),))


class Goal(StrEnum):
    """How programs end."""

    EITHER = "either"
    NATIVE = "native"  # with `success bddl`
    OWN = "own"  # with `success when`


def build(
    scene: Scene | None = None,
    limits: Limits = DEFAULT,
    *,
    goal: Goal = Goal.EITHER,
    task: str = "",
) -> Grammar:
    """The grammar of programs for a scene; without one, of programs for any scene.

    `task`: the instruction where it is not the scene's.
    """
    things: Things = SceneThings(scene) if scene else AnyThings()
    rules = [
        _program(scene, task, limits),
        *_structure(limits),
        *_outcome(goal if scene is None or scene.goal else Goal.OWN),
        *condition_rules(things, limits),
        progress_rule(),
        *use_rules(things),
    ]
    own = (_OWN_NAME, _WEIGHT, _COST, _DISCOUNT, _TEXT, THING)
    return grammar("program", rules, (*own, *PATTERNS))


def _program(scene: Scene | None, instruction: str, limits: Limits) -> Rule:
    task, of = (
        (f'"{instruction or scene.instruction}"', f'"{scene.id}"')
        if scene
        else (one("quoted", "task"), one("quoted", "scene"))
    )
    return rule(
        "program",
        says(
            *("rewardlang 1\ntask ", task, "\nscene ", of, "\n\n", one("root"), "\n\n"),
            *(one("success"), "\n", maybe("shaping")),
            some("penalty", 0, limits.penalties, "penalties"),
        ),
    )


def _structure(limits: Limits) -> Iterator[Rule]:
    """Groups in the root, stages in groups; lines are indented by their depth."""
    flat = (some("line", 1, limits.stages, "stages"),)
    before, after = (some("line", 0, limits.beside, where) for where in ("before", "after"))
    groups = (before, some("group", 1, limits.groups, "groups"), after)
    keeps = some("keep_line", 0, limits.keeps, "keeps")
    inner = (some("inner_line", 1, limits.stages, "stages"),)
    yield rule("quoted", says('"', one("text"), '"'))
    yield rule("root", *_root(flat, keeps), *_root(groups, keeps, "_of_groups"))
    yield rule("line", says("  ", one("leaf"), "\n"))
    yield rule("keep_line", says("  ", one("keep"), "\n"))
    yield rule(
        "group",
        *(says("  ", *_head(mode, maybe("weight")), *inner, "  }\n", tag=mode) for mode in _MODES),
    )
    yield rule("inner_line", says("    ", one("leaf"), "\n"))
    yield from _leaves()


def _root(children: Sequence[Part], keeps: Part, of: str = "") -> Iterator[Alternative]:
    """Below `any`, whose value is the best branch's, there is nothing to subtract from."""
    for mode in _MODES:
        kept = (keeps,) if mode != "any" and keeps.most else ()
        yield says(*_head(mode), *children, *kept, "}", tag=f"{mode}{of}")


def _head(mode: str, *weight: Part) -> list[Item | str]:
    return [mode, maybe("title", "name"), *weight, maybe("while"), " {\n"]


def _leaves() -> Iterator[Rule]:
    yield rule("leaf", says(one("use")), says(one("stage")))
    head = (maybe("as", "name"), maybe("weight"), maybe("while"))
    yield rule("use", says("use ", one("macro"), *head, tag="use"))
    yield rule(
        "stage",
        _stage("stage", "held", maybe("latch")),
        _stage("measured_stage", "steady", maybe("latch"), one("progress")),
        _stage("live_stage", "certain", " live"),
    )
    yield rule(
        "keep",
        says("keep ", one("name"), maybe("weight"), " {", Gap(), one("guard"), Gap(), "}"),
    )
    yield rule("as", says(" as ", one("name")))
    yield rule("latch", says(" latch"))
    yield rule("while", says(" while ", one("guard")))
    yield rule("inner_while", says(Gap(), "while ", one("guard")))
    yield rule("weight", says(" weight ", one(_WEIGHT.name)))
    yield rule("title", says(" ", one("name")))
    yield rule("name", says(one(_OWN_NAME.name)), *(says(word) for word in _stage_words()))


def _stage(tag: str, until: str, mode: Item | str, *progress: Part) -> Alternative:
    clauses: list[Part] = [one(until, "until"), *progress, maybe("inner_while", "while")]
    head = ("stage ", one("name"), maybe("weight"), mode, " {", Gap(), "until ")
    return says(*head, *clauses, Gap(), "}", tag=tag)


def _outcome(goal: Goal) -> Iterator[Rule]:
    native = [] if goal is Goal.OWN else [says("success ", one("native"))]
    own = [] if goal is Goal.NATIVE else [says("success when ", one("held"), tag="when")]
    yield rule("success", *native, *own)
    yield rule("native", says("bddl"))
    yield rule(
        "shaping",
        *(says("shaping ", mode, "\n", tag=mode) for mode in ("level", "sparse")),
        *(says("shaping ", mode, maybe("gamma"), "\n", tag=mode) for mode in ("telescope", "pbrs")),
    )
    yield rule("gamma", says(" gamma ", one(_DISCOUNT.name)))
    yield rule(
        "penalty",
        says(
            *("penalty ", one("name"), " cost ", one(_COST.name, "cost")),
            *(" when ", one("condition"), "\n"),
        ),
    )


def _stage_words() -> list[str]:
    """Verbs, from the library's macros; other names have an underscore, unlike keywords."""
    rows = MACROS.values()
    stages = [word for row in rows for word in re.findall(r"\bstage (\w+)", row.source)]
    verbs = [word for row in rows for word in row.also if "_" not in word]
    return list(dict.fromkeys([*stages, *verbs]))
