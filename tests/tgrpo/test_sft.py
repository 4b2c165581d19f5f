"""Behaviour cloning on a toy: a point that flies to the object its instruction names."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from tgrpo.actions import decode
from tgrpo.config import SFTConfig
from tgrpo.policies.tiny import TinyPolicy
from tgrpo.policies.tiny_network import TinyConfig
from tgrpo.training.sft import learning_rate_at, smoothed_targets, train_sft
from tgrpo.trajectory import Images, TaskContext

SMALL = TinyConfig(width=64, layers=1, head_width=64, word_width=48)
STEPS = 150
NAMES = ("alphabet_soup_1", "basket_1")


@dataclass(frozen=True)
class Demonstration:
    context: TaskContext
    robot: np.ndarray
    objects: np.ndarray
    actions: np.ndarray
    images: Images = field(default_factory=dict)


def context(words: str) -> TaskContext:
    return TaskContext("toy", words, f"pick up the {words}", NAMES, ("alphabet_soup", "basket"))


def states(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    robot, objects = np.zeros((count, 9)), np.zeros((count, 2, 7))
    robot[:, 3], objects[..., 3] = 1.0, 1.0
    robot[:, :3] = rng.uniform(-0.2, 0.2, size=(count, 3))
    objects[..., :3] = rng.uniform(-0.2, 0.2, size=(count, 2, 3))
    return robot.astype(np.float32), objects.astype(np.float32)


def towards(robot: np.ndarray, objects: np.ndarray, which: int) -> np.ndarray:
    actions = np.zeros((len(robot), 7))
    actions[:, :3] = np.clip((objects[:, which, :3] - robot[:, :3]) * 5, -1, 1)
    return actions


def demonstrations(count: int = 400) -> list[Demonstration]:
    made = []
    for which, words in enumerate(("alphabet soup", "basket")):
        robot, objects = states(count, seed=which)
        made.append(Demonstration(context(words), robot, objects, towards(robot, objects, which)))
    return made


def test_it_learns_to_go_where_the_instruction_says() -> None:
    policy = TinyPolicy(SMALL, seed=0)
    config = SFTConfig(steps=STEPS, batch_size=96, learning_rate=3e-3)
    seen: list[int] = []
    metrics = train_sft(
        policy,
        demonstrations(),
        config,
        np.random.default_rng(0),
        lambda step, steps, _: seen.append(step if steps == STEPS else -1),
    )
    assert seen == list(range(1, STEPS + 1))
    assert set(metrics) == {"sft/loss", "sft/accuracy", "sft/bin_error"}
    robot, objects = states(100, seed=9)
    for which, words in enumerate(("alphabet soup", "basket")):
        tokens, _ = policy.sampler().sample(context(words), robot, objects, temperature=0.0)
        named, other = (
            np.abs(decode(tokens) - towards(robot, objects, i))[:, :3].mean()
            for i in (which, 1 - which)
        )
        assert named < 0.2 < 0.4 < other, words


def test_equal_generators_give_bitwise_equal_weights() -> None:
    config = SFTConfig(steps=3, batch_size=16, position_noise=0.002)
    trained = []
    for _ in range(2):
        policy = TinyPolicy(SMALL, seed=0)
        train_sft(policy, demonstrations(20), config, np.random.default_rng(5))
        trained.append(policy.state_dict())
    assert all(torch.equal(tensor, trained[1][name]) for name, tensor in trained[0].items())


@pytest.mark.parametrize("std", [0.0, 1.0, 3.0])
def test_targets_are_distributions_around_the_shown_bin(std: float) -> None:
    targets = smoothed_targets(std)
    torch.testing.assert_close(targets.sum(dim=1), torch.ones(256))
    assert (targets.argmax(dim=1) == torch.arange(256)).all()
    if std == 0:
        assert torch.equal(targets, torch.eye(256))
    else:
        spread = (targets[128] * (torch.arange(256) - 128.0) ** 2).sum().sqrt()
        assert float(spread) == pytest.approx(std, rel=0.05)


def test_the_learning_rate_warms_up_and_decays() -> None:
    config = SFTConfig(steps=100, learning_rate=1.0, warmup=0.1)
    rates = [learning_rate_at(step, config) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[9] == 1.0
    assert rates[9:] == sorted(rates[9:], reverse=True)
    assert rates[-1] == pytest.approx(0.05, abs=2e-3)


def test_without_a_decision_there_is_nothing_to_learn() -> None:
    with pytest.raises(ValueError, match="at least one demonstration with at least one step"):
        train_sft(TinyPolicy(SMALL), demonstrations(0), SFTConfig(), np.random.default_rng(0))
