"""Reward programs on plain robosuite: Lift, Stack and Door, without LIBERO and its task files.

    python examples/plain_robosuite.py [Lift|Stack|Door ...]

The scene of each is read from the compiled model. A few scripted motions act: the robot really
lifts and stacks; the door's hinge is written to, a little wider at each step, and not pulled.
Prints what the program says whenever that changes, beside robosuite's own success.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import mujoco
import numpy as np

import rewardlang

PROGRAMS = Path(__file__).parent / "programs"
MAX_STEPS = 200
REACH = 0.05  # m that the hand goes for an action of 1
ABOVE = np.array([0.0, 0.0, 0.1])  # m, over what is to be taken or met
STACKED = np.array([0.0, 0.0, 0.048])  # m, of the small cube's middle over the large one's
OPEN, SHUT = -1.0, 1.0  # the gripper's action

# What no model says: the task, where a joint counts as open, and what to take hold of.
UNSAID: dict[str, dict[str, Any]] = {
    "Lift": {"instruction": "lift the cube"},
    "Stack": {"instruction": "stack the small cube on the large one"},
    "Door": {
        "instruction": "open the door",
        "openable": {"Door_hinge": (0.0, 0.3)},  # rad: closed, open
        "handles": {"Door_hinge": ["Door_handle"]},
    },
}


class Hand:
    """The robot's hand: moved towards points, a control step at a time."""

    def __init__(self, env: Any) -> None:
        self.env = env
        self.data: mujoco.MjData = env.sim.data._data

    def body(self, name: str) -> np.ndarray:
        """Position (3,), m, in the world."""
        return self.data.body(name).xpos.copy()

    def to(self, point: np.ndarray, grip: float, steps: int) -> Iterator[None]:
        """Goes to a point (3,), m, in the world, with the gripper open or shut."""
        for _ in range(steps):
            way = point - self.data.site("gripper0_grip_site").xpos
            self.env.step([*np.clip(way / REACH, -1.0, 1.0), 0.0, 0.0, 0.0, grip])
            yield


def take(hand: Hand, body: str) -> Iterator[None]:
    """Closes the fingers around a body from above, and raises it."""
    yield from hand.to(hand.body(body) + ABOVE, OPEN, 15)
    yield from hand.to(hand.body(body), OPEN, 15)
    yield from hand.to(hand.body(body), SHUT, 8)
    yield from hand.to(hand.body(body) + ABOVE, SHUT, 15)


def stack(hand: Hand) -> Iterator[None]:
    yield from take(hand, "cubeA_main")
    yield from hand.to(hand.body("cubeB_main") + ABOVE, SHUT, 20)
    yield from hand.to(hand.body("cubeB_main") + STACKED, SHUT, 20)
    yield from hand.to(hand.body("cubeB_main") + STACKED, OPEN, 8)
    yield from hand.to(hand.body("cubeB_main") + 1.5 * ABOVE, OPEN, 8)


def open_door(hand: Hand) -> Iterator[None]:
    yield from hand.to(hand.data.site("Door_handle").xpos + 0.6 * ABOVE, OPEN, 40)
    print("       (from here on the hinge is written to)")
    for angle in np.linspace(0.0, 0.36, 19):
        hand.data.joint("Door_hinge").qpos[0] = angle
        hand.env.sim.forward()
        yield


PLAYS: dict[str, Callable[[Hand], Iterator[None]]] = {
    "Lift": lambda hand: take(hand, "cube_main"),
    "Stack": stack,
    "Door": open_door,
}


def make(name: str) -> Any:
    """A robosuite environment without cameras, reset and settled."""
    logging.disable(logging.WARNING)  # its notice about a missing "private macro file"
    import robosuite

    env = robosuite.make(
        name,
        robots="Panda",
        controller_configs=robosuite.load_controller_config(default_controller="OSC_POSE"),
        has_renderer=False,
        has_offscreen_renderer=False,
        use_camera_obs=False,
        ignore_done=True,
    )
    np.random.seed(0)  # noqa: NPY002 - robosuite places things with the global generator
    env.reset()
    for _ in range(5):  # things are put down from a centimetre above the table
        env.step(np.zeros(7))
    return env


def scene_of(env: Any, name: str) -> rewardlang.Scene:
    """What is in the environment, read from its model."""
    return rewardlang.scene_of(env.sim.model._model, name=f"robosuite/{name}", **UNSAID[name])


def show(name: str) -> int:
    """One environment from model to success; the exit code."""
    env = make(name)
    scene = scene_of(env, name)
    path = PROGRAMS / f"{name.lower()}.rl"
    analysis = rewardlang.analyze(path.read_text(encoding="utf-8"), name=path.name, scene=scene)
    if analysis.program is None:
        print(rewardlang.render(analysis.diagnostics, analysis.source))
        return 1
    reward_fn = rewardlang.compile(analysis.program).bind(
        env.sim.model._model, scene, max_steps=MAX_STEPS
    )
    sizes = (f"{item.name} {_centimetres(item.half_extents)}" for item in scene.objects)
    print(f"\n{scene.id}: {', '.join(sizes)}\n\n step     Φ  working on")

    hand = Hand(env)
    memory, shown = reward_fn.reset(hand.data), None
    for number, _ in enumerate(PLAYS[name](hand), start=1):
        step, memory = reward_fn(hand.data, memory)
        says = "success" if step.success else ", ".join(step.stages)
        if says != shown:
            theirs = "success" if env._check_success() else "not yet"
            print(f"{number:5}  {step.phi:.2f}  {says} (robosuite: {theirs})")
            shown = says
    env.close()
    return 0 if step.success else 1


def _centimetres(half_extents: tuple[float, float, float]) -> str:
    return " × ".join(f"{200 * half:.1f}" for half in half_extents) + " cm"


def main(names: Sequence[str]) -> int:
    if unknown := [name for name in names if name not in PLAYS]:
        print(f"no play for {', '.join(unknown)}; there is {', '.join(PLAYS)}")
        return 2
    return max(show(name) for name in names)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or [*PLAYS]))
