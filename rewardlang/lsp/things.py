"""A thing of the scene in words: what it is, how large, where it stands at reset."""

from __future__ import annotations

from rewardlang.inspecting.scene_card import Card, Fixture, Movable, Place
from rewardlang.lsp.document import Document

_Known = Movable | Place | Fixture


def brief(document: Document, name: str) -> str:
    """Kind and size: `movable, 6 × 6 × 15 cm`; empty where the scene's card does not have it."""
    known = _known(document.card, name) if document.card else None
    match known:
        case Movable():
            return f"movable, {_size(known)}"
        case Place():
            return f"{known.what}, {_size(known)}"
        case Fixture():
            return known.what
        case _:
            return ""


def described(document: Document, name: str) -> str:
    """A thing as Markdown: kind, size, what it belongs to, where it stands, what the goal wants."""
    known = _known(document.card, name) if document.card else None
    if known is None or document.card is None or document.scene is None:
        return ""
    lines = [f"**{name}**: {brief(document, name)}"]
    called = [alias for alias, target in document.aliases.items() if target == name != alias]
    lines += [f"called {_listed(called)} here"] if called else []
    match known:
        case Movable():
            lines += [f"at reset {known.starts}"] if known.starts else []
        case Place():
            lines.append(f"a region of `{document.scene.region(name).owner}`")
        case Fixture():
            regions = [region.name for region in known.regions]
            lines += [f"regions: {_listed(regions)}"] if regions else []
    lines += [f"goal: `{goal.atom}`" for goal in document.card.goal if _is_about(goal.atom, name)]
    return "\n\n".join(lines)


def _known(card: Card, name: str) -> _Known | None:
    regions = [region for fixture in card.fixtures for region in fixture.regions]
    every: tuple[_Known, ...] = (*card.movables, *card.fixtures, *regions, *card.zones)
    return next((item for item in every if item.name == name), None)


def _size(of: Movable | Place) -> str:
    return " × ".join(f"{side:g}" for side in of.size) + " cm"


def _is_about(atom: str, name: str) -> bool:
    """Whether `name` is an argument of `in(milk_1, basket_1_contain_region)`."""
    return name in atom.partition("(")[2].removesuffix(")").split(", ")


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
