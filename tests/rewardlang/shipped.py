"""The programs that come with the project, for tests over all of them."""

from __future__ import annotations

from pathlib import Path

_TASKS = Path(__file__).parents[2] / "tasks"
_CASES = Path(__file__).parent / "cases"

SHIPPED = sorted(_TASKS.rglob("*.rl"))
EXAMPLES = sorted(_CASES.glob("good_*.rl"))  # between them, they use most of the language
MILK = _TASKS / "libero_object" / "pick_up_the_milk_and_place_it_in_the_basket.rl"
FAULTY = sorted(set(_CASES.glob("*.rl")) - set(EXAMPLES))


def name(path: Path) -> str:
    """A short name for a test's id."""
    return path.stem
