"""`object` lines for a program that calls things by the scene's own names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

from rewardlang.planning.aliases import choose_aliases
from rewardlang.scene import Scene
from rewardlang.syntax import nodes


def declared(program: nodes.Program, scene: Scene) -> nodes.Program:
    """The program with a readable name for each thing it uses; one with `object` lines as it is."""
    if program.objects:
        return program
    used = dict.fromkeys(name for name in _arguments(program) if name in scene.kinds)
    aliases = choose_aliases(scene, list(used))
    renamed = _renamed(program, {name: alias for name, alias in aliases.items() if alias != name})
    lines = tuple(
        nodes.Object(nodes.Name(alias), nodes.Name(name))
        for name, alias in aliases.items()
        if alias != name
    )
    return replace(renamed, objects=lines)


def _arguments(node: Any) -> Iterator[str]:
    """The names that stand as arguments, in the program's order."""
    if isinstance(node, (nodes.Call, nodes.Use)):
        yield from (arg.text for arg in node.args if isinstance(arg, nodes.Name))
    for child in _children(node):
        yield from _arguments(child)


def _renamed(node: Any, aliases: dict[str, str]) -> Any:
    """The tree with other names as arguments."""
    if isinstance(node, tuple):
        return tuple(_renamed(item, aliases) for item in node)
    if not is_dataclass(node) or isinstance(node, type):
        return node
    changed = {
        field.name: _renamed(getattr(node, field.name), aliases)
        for field in fields(node)
        if field.init
    }
    if isinstance(node, (nodes.Call, nodes.Use)):
        changed["args"] = tuple(_argument(arg, aliases) for arg in changed["args"])
    return replace(node, **changed)


def _argument(arg: Any, aliases: dict[str, str]) -> Any:
    if not isinstance(arg, nodes.Name):
        return arg
    return replace(arg, text=aliases.get(arg.text, arg.text))


def _children(node: Any) -> Iterator[Any]:
    if isinstance(node, tuple):
        yield from node
    elif is_dataclass(node) and not isinstance(node, type):
        yield from (getattr(node, field.name) for field in fields(node))
