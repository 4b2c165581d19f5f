"""What a hand can be told to do: motions with the things that they are about, by scene names."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Motion(StrEnum):
    """The motions that conditions of the language ask for."""

    REACH = "reach"  # the item, or the handle of a part; the fingers take no hold
    TOUCH = "touch"  # the same until they meet
    GRASP = "grasp"  # the item, and stay there
    LIFT = "lift"  # straight up by `height`
    CARRY = "carry"  # until over the target, and no lower than its top
    BRING = "bring"  # before the target's opening
    PLACE = "place"  # in or on the target
    RELEASE = "release"  # the item, and rise
    LEAVE = "leave"  # the thing: rise, the fingers as they are
    OPEN = "open"  # the part
    CLOSE = "close"
    TURN_ON = "turn on"
    TURN_OFF = "turn off"
    OPEN_FINGERS = "open the fingers"
    CLOSE_FINGERS = "close the fingers"
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class Command:
    """One motion. Empty where it needs none: of `item` and `goal`.

    goal     the atom of a BDDL goal that it is done for, ("in", item, target) or ("open", part):
             where something is held, and which way it goes, depends on what comes after
    height   of a lift, m
    hold     the item must stay in the fingers
    """

    motion: Motion
    item: str = ""
    goal: tuple[str, ...] = ()
    height: float = 0.0
    hold: bool = False

    def __str__(self) -> str:
        towards = self.motion in (Motion.CARRY, Motion.BRING, Motion.PLACE)
        things = [self.item, *(self.goal[2:] if towards else ())]
        named = ", ".join(thing for thing in things if thing)
        return f"{self.motion}({named})" if named else str(self.motion)
