"""Vocabulary and scene -> a grammar of programs that check, bounded, for constrained decoding.

What it accepts are whole programs without comments and `object` lines: things go by the scene's
own names, so that no name can be declared wrongly. With a scene, every name stands where its kind
allows it, and every quantity has a unit of the right dimension. What no such grammar can say is
left to the checker: that siblings have different names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rewardlang.checking.library import MACROS
from rewardlang.grammars.conditions import (
    PATTERNS,
    condition_rules,
    progress_rule,
    use_rules,
)
from rewardlang.grammars.model import (
    Alternative,
    Chars,
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

MOST_GROUPS = 4  # in the root
MOST_BESIDE = 1  # stages in front of them, and behind
MOST_STAGES = 8  # in a group, or in a root without groups
MOST_KEEPS = 2
MOST_PENALTIES = 4  # at a cost of 0.1 at most, they stay below what all may cost together

_OWN_NAME = Pattern(
    "own_name", ((Chars("a-z"), Chars("a-z0-9", 0, 15), Chars("_"), Chars("a-z0-9_", 1, 23)),)
)
_WEIGHT = Pattern(
    "share",
    (
        (Chars("1-9"), Chars("0-9", 0, 1), Chars("."), Chars("0-9", 1, 2)),
        (Chars("0"), Chars("."), Chars("1-9"), Chars("0-9", 0, 1)),
        (Chars("1-9"), Chars("0-9", 0, 1)),
    ),
)
_COST = Pattern(
    "amount",
    ((Chars("0"), Chars("."), Chars("0"), Chars("1-9")), (Chars("0"), Chars("."), Chars("1"))),
)
_DISCOUNT = Pattern("discount", ((Chars("0"), Chars("."), Chars("9"), Chars("0-9", 0, 3)),))
_TEXT = Pattern("text", ((Chars("A-Za-z0-9_/ ", 1, 200),),))


def build(scene: Scene | None = None) -> Grammar:
    """The grammar of programs for a scene; without one, of programs for any scene."""
    things: Things = SceneThings(scene) if scene else AnyThings()
    rules = [
        _program(scene),
        *_structure(),
        *_outcome(with_goal=scene is None or bool(scene.goal)),
        *condition_rules(things),
        progress_rule(),
        *use_rules(things),
    ]
    own = (_OWN_NAME, _WEIGHT, _COST, _DISCOUNT, _TEXT, THING)
    return grammar("program", rules, (*own, *PATTERNS))


def _program(scene: Scene | None) -> Rule:
    task, of = (
        (f'"{scene.instruction}"', f'"{scene.id}"')
        if scene
        else (one("quoted", "task"), one("quoted", "scene"))
    )
    return rule(
        "program",
        says(
            *("rewardlang", "_", "1", "_", "task", "_", task, "_", "scene", "_", of, "_"),
            *(one("root"), one("success"), maybe("shaping")),
            some("penalty", 0, MOST_PENALTIES, "penalties"),
        ),
    )


def _structure() -> Iterator[Rule]:
    yield rule("quoted", says('"', one("text"), '"'))
    flat = (some("leaf", 1, MOST_STAGES, "stages"),)
    groups = (some("leaf", 0, MOST_BESIDE, "before"), some("group", 1, MOST_GROUPS, "groups"))
    yield rule("root", *_group(flat), *_group((*groups, some("leaf", 0, MOST_BESIDE, "after"))))
    yield rule("group", *_group(flat, maybe("weight")))
    yield rule("leaf", says(one("use")), says(one("stage")))
    yield rule(
        "use",
        says(
            *("use", "_", one("macro"), "_", maybe("as", "name"), maybe("weight"), maybe("while")),
            tag="use",
        ),
    )
    yield rule("as", says("as", "_", one("name"), "_"))
    yield rule("stage", _stage("held", maybe("latch")), _stage("certain", "live", "_"))
    yield rule("latch", says("latch", "_"))
    yield rule("while", says("while", "_", one("condition")))
    yield rule("weight", says("weight", "_", one(_WEIGHT.name), "_"))
    yield rule("title", says(one("name"), "_"))
    yield rule("name", says(one(_OWN_NAME.name)), *(says(word) for word in _stage_words()))
    yield rule(
        "keep",
        says("keep", "_", one("name"), "_", maybe("weight"), "{", "_", one("condition"), "}", "_"),
    )


def _group(children: Sequence[Part], *head: Part) -> Iterator[Alternative]:
    for mode in ("seq", "all", "any"):
        keeps = (some("keep", 0, MOST_KEEPS, "keeps"),) if mode != "any" else ()
        front = (mode, "_", maybe("title", "name"), *head, maybe("while"), "{", "_")
        yield says(*front, *children, *keeps, "}", "_", tag=mode)


def _stage(until: str, *mode: Item | str) -> Alternative:
    return says(
        *("stage", "_", one("name"), "_", maybe("weight"), *mode, "{", "_"),
        *("until", "_", one(until, "until"), maybe("progress"), maybe("while"), "}", "_"),
        tag="live_stage" if "live" in mode else "stage",
    )


def _outcome(*, with_goal: bool) -> Iterator[Rule]:
    own = says("success", "_", "when", "_", one("held"), tag="when")
    yield rule("success", *([says("success", "_", "bddl", "_")] if with_goal else []), own)
    yield rule(
        "shaping",
        *(says("shaping", "_", mode, "_", tag=mode) for mode in ("level", "sparse")),
        *(
            says("shaping", "_", mode, "_", maybe("gamma"), tag=mode)
            for mode in ("telescope", "pbrs")
        ),
    )
    yield rule("gamma", says("gamma", "_", one(_DISCOUNT.name), "_"))
    yield rule(
        "penalty",
        says(
            *("penalty", "_", one("name"), "_", "cost", "_", one(_COST.name, "cost"), "_"),
            *("when", "_", one("condition")),
        ),
    )


def _stage_words() -> list[str]:
    """Verbs, from the library's macros; other names have an underscore, unlike keywords."""
    rows = MACROS.values()
    stages = [word for row in rows for word in re.findall(r"\bstage (\w+)", row.source)]
    verbs = [word for row in rows for word in row.also if "_" not in word]
    return list(dict.fromkeys([*stages, *verbs]))
