"""Programs as the decoding grammars have them: the scene's own names, no comments."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import rewardlang
from rewardlang.inspecting.expansion import without_aliases
from rewardlang.scene import Scene
from rewardlang.syntax.nodes import NO_TRIVIA, Trivia


@cache
def plain(path: Path) -> tuple[str, Scene]:
    """A program's text in the formatter's layout, and its scene; macros stay."""
    analysis = rewardlang.analyze(path.read_text("utf-8"))
    assert analysis.tree is not None
    assert analysis.scene is not None
    return rewardlang.format_program(_bare(without_aliases(analysis.tree))), analysis.scene


def _bare(value: Any) -> Any:
    """A tree without its comments."""
    if isinstance(value, Trivia):
        return NO_TRIVIA
    if isinstance(value, tuple):
        return tuple(map(_bare, value))
    if not is_dataclass(value):
        return value
    changed = {field.name: _bare(getattr(value, field.name)) for field in fields(value)}
    return replace(value, **{**changed, **({"comments": ()} if "comments" in changed else {})})
