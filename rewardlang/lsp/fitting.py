"""Which things of the scene can stand as an argument."""

from __future__ import annotations

from rewardlang.checking.library import HANDLE
from rewardlang.checking.signatures import Macro, Thing
from rewardlang.fittings import handle_of, mouth_of
from rewardlang.lsp.document import Document
from rewardlang.lsp.roles import Place
from rewardlang.scene import Scene


def fitting(document: Document, where: Place, parameter: Thing) -> list[str]:
    """The names that can be given for `parameter`, beside the others of the same call."""
    scene, aliases = document.scene, document.aliases
    if scene is None:
        return []
    others = [aliases.get(name, name) for name in where.others]
    of_kind = [n for n, kind in document.scope.usable().items() if kind & parameter.kinds]
    return [
        name
        for name in of_kind
        if _has_what_is_asked(scene, aliases.get(name, name), where, parameter)
        and not any(_is_part(scene, aliases.get(name, name), other) for other in others)
    ]


def _has_what_is_asked(scene: Scene, target: str, where: Place, parameter: Thing) -> bool:
    """Whether the thing has the handle and the mouth that are needed of it."""
    if _asks_for_handle(where, parameter) and handle_of(scene, target) is None:
        return False
    return not parameter.mouth or mouth_of(scene, target) is not None


def _asks_for_handle(where: Place, parameter: Thing) -> bool:
    """Whether the argument is, or a macro makes it, one of `handle`."""
    row = where.row
    inside = isinstance(row, Macro) and f"{HANDLE}({parameter.name})" in row.source
    return where.callee == HANDLE or inside


def _is_part(scene: Scene, first: str, second: str) -> bool:
    """Whether both are the same, or one is a part of the other: no condition is about these."""
    owners = {name: region.owner for name, region in scene.regions_by_name.items()}
    return second in (first, owners.get(first)) or first == owners.get(second)
