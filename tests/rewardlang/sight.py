"""What the test interpreter sees: predicates and measures on a `World`, in numpy, by name."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rewardlang import ir
from tests.rewardlang.worlds import (
    FINGERS,
    HAND,
    KITCHEN,
    MOUTHS,
    World,
    box,
    carrier,
    scales,
)

SIDES = {  # as seen from opposite the robot
    "left_of": (0.0, -1.0, 0.0),
    "right_of": (0.0, 1.0, 0.0),
    "in_front_of": (1.0, 0.0, 0.0),
    "behind": (-1.0, 0.0, 0.0),
}


@dataclass
class Sight:
    """The states that predicates look at. Units: m, rad."""

    first: World  # after settling
    before: World  # one control step ago
    now: World

    def holds(self, expr: ir.Expr) -> bool:
        match expr:
            case ir.Not():
                return not self.holds(expr.operand)
            case ir.And():
                return all(self.holds(operand) for operand in expr.operands)
            case ir.Or():
                return any(self.holds(operand) for operand in expr.operands)
            case _:
                return self.atom(expr)

    def atom(self, atom: ir.Atom) -> bool:
        w, (head, args) = self.now, (atom.predicate, atom.args)
        name = [str(arg) for arg in args if isinstance(arg, ir.Ref)]
        match head:
            case "in":
                return in_gap(w, *name)[0]
            case "on":
                return on(w, *name)
            case "open" | "closed" | "turned_on" | "turned_off":
                return self.part(head, name[0])
            case "touching":
                return touch(w, *name)
            case "grasped":
                return {*HAND[:2]} <= w.hand_on(name[0])
            case "released":
                return not w.hand_on(name[0]) & {*FINGERS}
            case "above":
                return (
                    flat_gap(w, *name) <= args[2]
                    and corners(w, name[0])[:, 2].min() > corners(w, name[1])[:, 2].max()
                )
            case "resting":
                slow = np.linalg.norm(w.positions[name[0]] - self.before.positions[name[0]])
                return (
                    touch(w, *name)
                    and not w.hand_on(name[0]) & {*FINGERS}
                    and flat_gap(w, *name) == 0.0
                    and slow <= 0.002
                )
            case "still":
                step = w.positions[name[0]] - self.before.positions[name[0]]
                return bool(np.linalg.norm(step) <= args[1])
            case "gripper_open":
                return w.width > 0.8
            case "gripper_closed":
                return w.width < 0.2
            case _:
                now, goal, rising = self.comparison(atom)
                return now >= goal if rising else now <= goal

    def comparison(self, atom: ir.Atom) -> tuple[float, float, bool]:
        """Quantity, limit, whether it must rise, of predicates that are no more than that."""
        w, (head, args) = self.now, (atom.predicate, atom.args)
        name = [str(arg) for arg in args if isinstance(arg, ir.Ref)]
        match head:
            case "near":
                return gap(w, *name), args[2], False
            case "over":
                return flat_gap(w, *name), args[2], False
            case "at_mouth":
                return mouth_gap(w, *name, args[2]), 0.0, False
            case "left_of" | "right_of" | "in_front_of" | "behind":
                return beyond(w, *name, SIDES[head]), args[2], True
            case "lifted":
                return self.height(name[0]), args[1], True
            case "moved":
                far = np.linalg.norm(w.positions[name[0]] - self.first.positions[name[0]])
                return float(far), args[1], True
            case "upright":
                return tilt(w, self.first, name[0]), args[1], False
            case "shut" | "off":
                return openness(w, name[0]), 0.1, False
            case "at_least":
                return self.measure(args[0], w), args[1], True
            case "at_most":
                return self.measure(args[0], w), args[1], False
        raise AssertionError(head)

    def quantity(self, atom: ir.Atom) -> tuple[float, float, bool] | None:
        """What the degree of an atom follows: quantity, its goal, whether it must rise."""
        w = self.now
        name = [str(arg) for arg in atom.args if isinstance(arg, ir.Ref)]
        match atom.predicate:
            case "released" | "still":
                return None
            case "in":
                return in_gap(w, *name)[1], 0.0, False
            case "on":
                return on_gap(w, *name), 0.0, False
            case "touching":
                return gap(w, *name), 0.0, False
            case "resting":
                low = corners(w, name[0])[:, 2].min() - corners(w, name[1])[:, 2].max()
                return math.hypot(flat_gap(w, *name), max(0.0, low)), 0.0, False
            case "above":
                return flat_gap(w, *name), atom.args[2], False
            case "open" | "turned_on":
                return openness(w, name[0]), 1.0, True
            case "closed" | "turned_off":
                return openness(w, name[0]), 0.0, False
            case "gripper_open":
                return w.width, 0.8, True
            case "gripper_closed":
                return w.width, 0.2, False
            case _:
                return self.comparison(atom)

    def part(self, head: str, name: str) -> bool:
        tests = []
        for joint, scale in scales(name):
            q, sign = self.now.joints[joint] * scale.direction, scale.direction
            on, off = scale.on_at * sign, scale.off_at * sign
            tests.append({"open": q > on, "turned_on": q >= on}.get(head, q < off))
        return any(tests) if head in ("open", "turned_on") else all(tests)

    def height(self, name: str) -> float:
        return float(self.now.positions[name][2] - self.first.positions[name][2])

    def measure(self, call: ir.MeasureCall, w: World) -> float:
        name = [str(arg) for arg in call.args]
        match call.measure:
            case "dist":
                return gap(w, *name)
            case "dist_xy":
                return flat_gap(w, *name)
            case "height":
                return float(w.positions[name[0]][2] - self.first.positions[name[0]][2])
            case "tilt":
                return tilt(w, self.first, name[0])
            case "openness" | "knob":
                return openness(w, name[0])
            case _:
                return w.width


def corners(w: World, name: str) -> np.ndarray:
    centre, half = box(name)
    signs = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, -1).T
    return w.positions[name] + (centre + signs * half) @ w.rotations[name].T


def middle(w: World, name: str) -> np.ndarray:
    return w.positions[name] + w.rotations[name] @ box(name)[0]


def gap(w: World, a: str, b: str) -> float:
    local = w.rotations[b].T @ (middle(w, a) - middle(w, b))
    return float(np.linalg.norm(np.maximum(np.abs(local) - box(b)[1], 0.0)))


def flat_gap(w: World, a: str, b: str) -> float:
    """Horizontal distance to the footprint spanned by the two flattest axes."""
    offset = (middle(w, a) - middle(w, b))[:2]
    rotation = w.rotations[b]
    steepest = int(np.argmax(np.abs(rotation[2])))
    beyond = []
    for axis in range(3):
        flat = rotation[:2, axis]
        if axis != steepest and np.linalg.norm(flat) > 0:
            along = offset @ flat / np.linalg.norm(flat)
            beyond.append(max(0.0, abs(along) - box(b)[1][axis]))
    return float(np.linalg.norm(beyond))


def in_gap(w: World, item: str, region: str) -> tuple[bool, float]:
    """LIBERO's `in_box`, and the distance to that box."""
    size = np.abs(w.rotations[region] @ box(region)[1])
    low, high = w.positions[region] - size, w.positions[region] + size
    low[2] -= 0.01
    p = w.positions[item]
    gap = np.linalg.norm(np.maximum(np.maximum(low - p, p - high), 0.0))
    return bool(np.all(p > low) and np.all(p < high)), float(gap)


def on(w: World, item: str, support: str) -> bool:
    touches = w.contact(item, support)
    if support not in KITCHEN.regions_by_name:
        p, q = w.positions[item], w.positions[support]
        return bool(q[2] <= p[2] and touches and np.linalg.norm((p - q)[:2]) < 0.03)
    size = box(support)[1]
    delta = w.rotations[support] @ (w.positions[item] - w.positions[support])
    under = size[2] - 0.005 < delta[2] < size[2] + 0.10 and np.all(np.abs(delta[:2]) < size[:2])
    return bool(under and (touches or carrier(support) == "table"))


def on_gap(w: World, item: str, support: str) -> float:
    if support not in KITCHEN.regions_by_name:
        p, q = w.positions[item], w.positions[support]
        aside = max(0.0, float(np.linalg.norm((p - q)[:2])) - 0.03)
        low = corners(w, item)[:, 2].min() - corners(w, support)[:, 2].max()
        return math.hypot(aside, max(0.0, low, q[2] - p[2]))
    size = box(support)[1]
    x, y, z = w.rotations[support] @ (w.positions[item] - w.positions[support])
    return math.hypot(
        max(0.0, abs(x) - size[0]),
        max(0.0, abs(y) - size[1]),
        max(0.0, z - size[2] - 0.10, size[2] - 0.005 - z),
    )


def mouth_gap(w: World, item: str, region: str, within: float) -> float:
    """Distance of the item's middle to the space before the region's opening."""
    out = np.array(MOUTHS[region])
    turned, half = w.rotations[region], box(region)[1]
    sides = turned @ out
    deepest = max((corner - middle(w, item)) @ sides for corner in corners(w, item))
    low, high = -half, half.copy()
    axis = int(np.argmax(np.abs(out)))
    ends = np.array([half[axis], half[axis] + deepest + within]) * out[axis]
    low[axis], high[axis] = sorted(ends)
    p = turned.T @ (middle(w, item) - w.positions[region])
    return float(np.linalg.norm(np.maximum(np.maximum(low - p, p - high), 0.0)))


def beyond(w: World, item: str, support: str, way: tuple[float, float, float]) -> float:
    """How far the item's middle is past the farthest corner of the support."""
    return float(middle(w, item) @ way - max(corner @ way for corner in corners(w, support)))


def touch(w: World, a: str, b: str) -> bool:
    if "gripper" in (a, b):
        return bool(w.hand_on(b if a == "gripper" else a))
    return w.contact(a, b)


def tilt(w: World, first: World, name: str) -> float:
    upward = first.rotations[name].T @ [0.0, 0.0, 1.0]
    return math.acos(np.clip((w.rotations[name] @ upward)[2], -1.0, 1.0))


def openness(w: World, name: str) -> float:
    degrees = [(w.joints[j] - s.off_at) / (s.on_at - s.off_at) for j, s in scales(name)]
    return min(1.0, max(0.0, *degrees)) if len(degrees) > 1 else min(1.0, max(0.0, degrees[0]))
