"""Handles and mouths in a program: what is wrong with asking a thing for one that it lacks."""

from __future__ import annotations

from rewardlang.checking.library import HANDLE, HANDLE_PART
from rewardlang.checking.names import MOST_SUGGESTIONS, Fits, Known, Names, nearest
from rewardlang.datatypes import Kind, kind_phrase
from rewardlang.diagnostics import Diagnostic, Suggestion
from rewardlang.fittings import handle_of, mouth_of
from rewardlang.scene import Scene
from rewardlang.syntax import nodes
from rewardlang.syntax.formatter import format_call


def handle_count(call: nodes.Call) -> Diagnostic:
    """`handle` with none or several things."""
    message = f"`{HANDLE}` takes 1 argument, not {len(call.args)}"
    notes = (f"`{HANDLE}({HANDLE_PART.name})`", HANDLE_PART.explained)
    return Diagnostic("wrong-argument-count", message, call.span, notes=notes)


def has_handle(scene: Scene | None, name: str) -> bool:
    """Whether it is known where to take hold of a part; without a scene, nothing is amiss."""
    return scene is None or handle_of(scene, name) is not None


def has_mouth(scene: Scene | None, name: str) -> bool:
    """Whether a region is entered by a mouth; without a scene, nothing is amiss."""
    return scene is None or (name in scene.regions_by_name and mouth_of(scene, name) is not None)


def not_a_thing(call: nodes.Call, kinds: Kind, where: str) -> Diagnostic:
    """A call where a thing is asked for."""
    message = f"{where} is {kind_phrase(kinds, 'or')}, not `{format_call(call)}`"
    fix = _instead_of(call, kinds)
    return Diagnostic("wrong-kind", message, call.span, suggestions=(fix,) if fix else ())


def _instead_of(call: nodes.Call, kinds: Kind) -> Suggestion | None:
    """`handle`, misspelt; or the part itself where its handle is not asked for."""
    inner = call.args[0] if len(call.args) == 1 else None
    if kinds & Kind.HANDLE and nearest(call.name.text, (HANDLE,)):
        meant = nodes.Call(nodes.Name(HANDLE), call.args)
        return Suggestion(format_call(meant), "handle")
    if call.name.text == HANDLE and kinds & HANDLE_PART.kinds and isinstance(inner, nodes.Name):
        return Suggestion(inner.text)
    return None


def without_handle(names: Names, known: Known, written: nodes.Name) -> Diagnostic:
    """No row of the table says where to take hold of `known`."""
    message = f"where to take hold of {names.shown(known, written.text)} is not known"
    fixes = _those(names, lambda name: has_handle(names.scene, name), HANDLE_PART.kinds)
    notes = () if fixes else ("nothing in this scene has a handle that is known",)
    return Diagnostic("wrong-kind", message, written.span, suggestions=fixes, notes=notes)


def without_mouth(names: Names, known: Known, written: nodes.Name, where: str) -> Diagnostic:
    """`known` has no mouth to stand before."""
    message = f"{names.shown(known, written.text)} has no mouth; {where} is a region with one"
    fixes = _those(names, lambda name: has_mouth(names.scene, name), Kind.REGION)
    nothing = () if fixes else ("nothing in this scene has a mouth",)
    notes = (*nothing, f"what is entered from above is for `above(…, {written.text})`")
    return Diagnostic("wrong-kind", message, written.span, suggestions=fixes, notes=notes)


def _those(names: Names, fits: Fits, kinds: Kind) -> tuple[Suggestion, ...]:
    """Things of the scene that would do."""
    scene = names.scene
    found = (
        [name for name, kind in scene.kinds.items() if kind & kinds and fits(name)] if scene else []
    )
    return tuple(names.suggestion(name) for name in found[:MOST_SUGGESTIONS])
