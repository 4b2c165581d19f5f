"""Where files go: runs, compiled models, what numba compiles."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from tgrpo.doctor.findings import Finding, ok, problem, warning
from tgrpo.doctor.sizes import GIB, MIB, size_text
from tgrpo.libero_package import CACHE_VARIABLE

ROOM_NEEDED = 200 * MIB  # a run's checkpoints and demonstrations; a suite's compiled models
ROOM_WISHED = GIB
NUMBA_VARIABLE = "NUMBA_CACHE_DIR"


@dataclass(frozen=True, slots=True)
class Room:
    """A folder that may not be there yet: whether it can be made, and bytes free below it."""

    folder: Path
    writable: bool
    free: int


def see_room(folder: Path) -> Room:
    absolute = folder.absolute()
    there = next(item for item in (absolute, *absolute.parents) if item.exists())
    writable = there.is_dir() and os.access(there, os.W_OK | os.X_OK)
    return Room(absolute, writable, shutil.disk_usage(there).free)


def judge_room(name: str, room: Room, elsewhere: str) -> Finding:
    """`elsewhere`: the command or setting that chooses another folder."""
    if not room.writable:
        return problem(name, f"nothing may be written in {room.folder}", elsewhere)
    text = f"{size_text(room.free)} free for {room.folder}"
    if room.free < ROOM_NEEDED:
        return problem(name, f"{text}; a run needs {size_text(ROOM_NEEDED)}", elsewhere)
    if room.free < ROOM_WISHED:
        return warning(name, f"{text}; a few runs fill it", elsewhere)
    return ok(name, text)


RUNS_ELSEWHERE = "tgrpo train --run-dir /another/disk/runs"
CACHE_ELSEWHERE = f"export {CACHE_VARIABLE}=/another/disk/tgrpo"


def see_numba(environment: Mapping[str, str]) -> tuple[Room, ...]:
    """The folders that numba tries for the stepper's compiled functions, in its order."""
    if chosen := environment.get(NUMBA_VARIABLE):
        return (see_room(Path(chosen)),)
    beside = Path(__file__).parents[1] / "__pycache__"
    return see_room(beside), see_room(Path(platformdirs.user_cache_dir("numba")))


def judge_numba(rooms: tuple[Room, ...]) -> Finding:
    name = "numba's cache"
    usable = [room for room in rooms if room.writable]
    if usable:
        return ok(name, str(usable[0].folder))
    tried = " nor ".join(str(room.folder) for room in rooms)
    text = f"neither {tried} can be written: the stepper cannot be compiled"
    if len(rooms) == 1:
        text = f"{tried} cannot be written: the stepper cannot be compiled"
    return problem(name, text, f"export {NUMBA_VARIABLE}=/tmp/numba")
