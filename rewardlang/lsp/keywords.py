"""What the language's own words mean, for completion and hover."""

from __future__ import annotations

from collections.abc import Mapping

from rewardlang.datatypes import UNITS

KEYWORDS: Mapping[str, str] = {
    "rewardlang": "The version of the language: `rewardlang 1` is the first line.",
    "task": "The instruction, as the policy is given it.",
    "scene": 'The scene the program is for: `"suite/task"` of the catalogue.',
    "object": "Gives a thing of the scene a name: `object milk = milk_1`.",
    "seq": "Stages one after another; worth what is finished, and the current one's part.",
    "all": "Independent parts, in any order; worth their weighted sum.",
    "any": "Alternatives; worth the best of them.",
    "use": "A macro of the library: `use place_in(milk, basket)`.",
    "keep": "For what already holds and must stay: earns nothing, costs its share while false.",
    "stage": "One step of the task, done when its `until` has held.",
    "as": "The name of what a macro stands for.",
    "until": "What ends the stage.",
    "progress": "The measure that says how far the stage is, in place of the derived one.",
    "from": "Where `progress` starts: a quantity, or `reset`.",
    "to": "Where `progress` ends: a quantity, or `reset`.",
    "reset": "The measure's value at reset.",
    "while": "What must hold meanwhile; otherwise the program goes back to an earlier stage.",
    "for": "How long a condition must hold without a break: `for 3 steps`.",
    "steps": "Control steps.",
    "step": "A control step.",
    "weight": "What this is worth beside its siblings; 1 where nothing is said.",
    "success": "What ends the episode: `bddl` or `when` and a condition.",
    "bddl": "LIBERO's own goal, the moment it holds.",
    "when": "A condition of the program's own.",
    "shaping": "How the program's value becomes a reward; `level` where nothing is said.",
    "gamma": "The learner's discount, for `telescope` and `pbrs`.",
    "level": "The reward is the value itself: what TGRPO compares between arms.",
    "telescope": "The reward is the value's change.",
    "pbrs": "Potential-based: as `telescope`, with the value of a finished episode at 0.",
    "sparse": "Only success is rewarded.",
    "penalty": "From the first violation on, the value is lower by its cost.",
    "cost": "What a penalty takes off; all penalties together at most 0.5.",
    "and": "Both hold.",
    "or": "One of them holds.",
    "not": "It does not hold.",
    "latch": "Once done, the stage stays done.",
    "live": "The stage is judged again at each step.",
}

UNIT_WORDS: Mapping[str, str] = {
    "mm": "millimetres",
    "cm": "centimetres",
    "m": "metres",
    "deg": "degrees",
    "rad": "radians",
    "%": "per cent",
}


def described(word: str) -> str:
    """One sentence on a keyword or unit; empty for anything else."""
    if word in UNITS:
        return f"A unit of {UNITS[word][0].value}: {UNIT_WORDS[word]}."
    return KEYWORDS.get(word, "")
