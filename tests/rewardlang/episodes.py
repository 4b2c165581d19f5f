"""Programs played on written states, for tests: conditions that a state switches one by one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from rewardlang import ir
from rewardlang.runtime.evaluator import Memory, RewardFn, RewardStep, compile
from tests.rewardlang.programs import atom
from tests.rewardlang.worlds import DRAWER, KITCHEN, STOVE, World, at_rest, reader

BASKET = "basket_1_contain_region"

# Conditions that a state switches on and off one by one.
HELD = atom("grasped", "cup_1")
ON_PLATE = atom("touching", "cup_1", "plate_1")
IN_BASKET = atom("in", "cup_1", BASKET)
STOVE_ON = atom("turned_on", STOVE)
OPENED = atom("open", DRAWER)
CLOSED_HAND = atom("gripper_closed")


def state(
    *,
    held: bool = False,
    plate: bool = False,
    basket: bool = False,
    stove: bool = False,
    opened: bool = False,
    hand_closed: bool = False,
    **positions: tuple[float, float, float],
) -> World:
    world = at_rest().moved(**positions)
    if basket:
        world = world.moved(cup_1=(0.0, 0.4, 0.07))
    if held:
        world = world.in_hand("cup_1", "left pad", "right pad")
    if plate:
        world = world.in_contact(("cup_1", "plate_1"))
    world = world.with_joints(
        stove_1_button=1.0 if stove else 0.0, cabinet_1_top_level=-0.15 if opened else 0.0
    )
    return replace(world, width=0.1 if hand_closed else 1.0)


class Episode:
    """A program played on written states; attributes are those of the last step."""

    def __init__(self, played: ir.Program, first: World | None = None, horizon: int = 100) -> None:
        evaluator = compile(played)
        self.reward_fn: RewardFn = evaluator.attach(
            reader(evaluator.requirements(KITCHEN)), KITCHEN, max_steps=horizon
        )
        self.memory: Memory = self.reward_fn.reset(first or at_rest())
        self.steps: list[RewardStep] = []

    def play(self, *worlds: World) -> RewardStep:
        for world in worlds:
            step, self.memory = self.reward_fn(world, self.memory)
            self.steps.append(step)
        return self.steps[-1]

    def phis(self, worlds: Iterable[World]) -> list[float]:
        return [round(self.play(world).phi, 6) for world in worlds]

    @property
    def total(self) -> float:
        return sum(step.reward for step in self.steps)
