"""How the planner puts things: comments, numbers, and what LIBERO asks for in plain words."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Iterator

from rewardlang.planning.aliases import described_in, look_alikes, noun, start_of
from rewardlang.scene import Joint, Object, Region, Scene

COMMENT_WIDTH = 86
LET_GO = "8 cm"  # gripper this far from what it works on: it has left, reach again

_COUNTS = {2: "Two", 3: "Three", 4: "Four"}


def comment(text: str) -> Iterator[str]:
    """`text` as one item of comment lines; nothing where it is empty."""
    if text:
        yield textwrap.fill(
            text,
            COMMENT_WIDTH + 2,
            initial_indent="# ",
            subsequent_indent="# ",
            break_long_words=False,
            break_on_hyphens=False,
        )


def said_once(items: Iterable[str]) -> Iterator[str]:
    """The items without the comments that have been made before."""
    said = set()
    for item in items:
        if item not in said:
            yield item
        if item.startswith("# "):
            said.add(item)


def say(alias: str) -> str:
    """An alias in a sentence: `left_plate` -> `left plate`."""
    return alias.replace("_", " ")


def cm(metres: float) -> str:
    """`16 cm`."""
    return f"{round(metres * 100)} cm"


def degrees(radians: float) -> str:
    """`29 degrees`, `0.3 degrees`."""
    number = math.degrees(radians)
    return f"{number:.0f} degrees" if number >= 1 else f"{number:.1f} degrees"


def which(scene: Scene, name: str, *, moved: bool) -> str:
    """Which of several look-alikes a name stands for; "" where there is only one."""
    others = look_alikes(scene, name)
    if not others:
        return ""
    thing = noun(scene, name)
    said = described_in(scene.instruction, thing) if moved else None
    this = f'is "{said}"' if said else f"starts {start_of(scene, name)}"
    rest = "; ".join(f"{other.name} starts {start_of(scene, other.name)}" for other in others)
    count = _COUNTS.get(len(others) + 1, str(len(others) + 1))
    return f"{count} {thing}s look alike. This one {this}; {rest}."


def placed(relation: str, thing: str, place: str, target: Object | Region) -> str:
    """What LIBERO's `in` or `on` asks for, of aliases."""
    thing, place = say(thing), say(place)
    match target:
        case Region() if relation == "in":
            return f"the {thing}'s centre is inside the {place}"
        case Region(owner_is_surface=True):
            return f"the {thing} is over the zone, less than 10 cm up, even in the air"
        case Region():
            return f"the {thing} touches, its centre within the edges of the {place}"
        case Object():
            return f"the {thing} touches the {place}, their centres less than 3 cm apart"


def moved_far(verb: str, part: str, joint: Joint, *, slides: bool) -> str:
    """What LIBERO's `open`, `close`, `turnon` or `turnoff` asks of a part's joint."""
    on, off = abs(joint.on_at), joint.off_at * joint.direction
    match verb:
        case "open" if slides:
            return f"the {part} is pulled out by more than {cm(on)}"
        case "open":
            return f"the {part} is open by more than {degrees(on)}"
        case "close" if off > 0:
            far = cm(off) if slides else degrees(off)
            return f"the {part} is open by less than {far}"
        case "close":
            return f"the {part} is pushed in beyond its joint's zero, further than merely shut"
        case "turnon":
            return f"the knob is turned by {degrees(on)} or more"
        case _:
            return "the knob is turned back beyond its joint's zero, further than merely off"
