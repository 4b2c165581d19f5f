"""What every registered algorithm promises."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
import torch

from tests.tgrpo.toy_groups import group, make_policy, same, weights_of
from tgrpo.config import Algorithm, TrainConfig
from tgrpo.layers import Layer, resolve
from tgrpo.policies.tiny import TinyPolicy
from tgrpo.training.algorithms import make_learner
from tgrpo.training.learner import Learner
from tgrpo.trajectory import Ending, Group, Trajectory

ALGORITHMS = get_args(Algorithm)
COMPARING = [name for name in ALGORITHMS if name != "ppo"]
every_algorithm = pytest.mark.parametrize("name", ALGORITHMS)
any_chunk = pytest.mark.parametrize("chunk", [1, 3])


def configuration(name: str, **values: object) -> TrainConfig:
    given = {key.replace("__", "."): value for key, value in values.items()}
    base = {"algorithm": name, "critic.head_start": 0, "learner.learning_rate": 1e-3}
    return resolve([Layer("test", {**base, **given})])


def data_of(policy: TinyPolicy) -> list[Group]:
    """Two groups of three arms that differ in reward, in stage, in length and in how they end."""
    groups = [
        group(policy, [0.0, 0.1, 0.4], [0.0, 0.2, 0.5, 0.9], [0.1] * 5),
        group(policy, [0.3, 0.6], [0.0, 0.0, 0.1], [0.2, 0.9, 1.0]),
    ]
    return [Group(tuple(map(_ended, item.trajectories))) for item in groups]


def _ended(arm: Trajectory) -> Trajectory:
    won = arm.phi[-1] >= 0.9
    return replace(
        arm,
        stages=(arm.phi > 0.15).astype(np.int64),
        stage_keys=(("reach",), ("grasp",)),
        stage_values=(1.0, float(arm.phi.max())),
        ending=Ending.SUCCESS if won else Ending.TIMEOUT,
    )


def updated(config: TrainConfig, chunk: int = 1) -> tuple[TinyPolicy, Learner]:
    """A policy and its learner after two updates."""
    policy = make_policy(chunk)
    learner = make_learner(policy, config)
    for _ in range(2):
        learner.update(data_of(policy))
    return policy, learner


@any_chunk
@every_algorithm
def test_it_learns_from_groups_that_differ(name: str, chunk: int) -> None:
    policy = make_policy(chunk)
    before = weights_of(policy)
    metrics = make_learner(policy, configuration(name)).update(data_of(policy))
    assert metrics["update/steps"] >= 1.0
    assert np.isfinite(list(metrics.values())).all()
    assert not same(before, weights_of(policy))


@every_algorithm
def test_the_reference_stays_what_it_was(name: str) -> None:
    policy = make_policy()
    reference = policy.reference()
    make_learner(policy, configuration(name), reference).update(data_of(policy))
    assert same(weights_of(reference), weights_of(make_policy()))


@every_algorithm
def test_equal_seeds_give_bitwise_equal_parameters(name: str) -> None:
    one, other = (weights_of(updated(configuration(name))[0]) for _ in range(2))
    assert same(one, other)


@every_algorithm
def test_nothing_depends_on_the_global_generators(name: str) -> None:
    results = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - the global one is what this is about
        results.append(weights_of(updated(configuration(name))[0]))
    assert same(*results)


@any_chunk
@every_algorithm
def test_a_resumed_learner_goes_on_bitwise(name: str, chunk: int) -> None:
    config = configuration(name)
    policy, learner = updated(config, chunk)
    weights, state = weights_of(policy), learner.state_tensors()
    resumed = make_policy(chunk)
    again = make_learner(resumed, config, make_policy(chunk).reference())
    resumed.load_state_dict(weights)
    again.load_state_tensors(state)
    learner.update(data_of(policy))
    again.update(data_of(resumed))
    assert same(weights_of(policy), weights_of(resumed))


@every_algorithm
def test_its_state_is_tensors_that_a_checkpoint_can_hold(name: str) -> None:
    state = updated(configuration(name))[1].state_tensors()
    assert all(isinstance(item, torch.Tensor) for item in state.values())
    own = [item.untyped_storage().data_ptr() for item in state.values() if item.numel()]
    assert len(own) == len(state)


@pytest.mark.parametrize("name", COMPARING)
def test_identical_arms_leave_the_parameters_alone(name: str) -> None:
    policy = make_policy()
    before = weights_of(policy)
    arm = data_of(policy)[0].trajectories[0]
    learner = make_learner(policy, configuration(name, learner__stage_std_floor=0.0))
    metrics = learner.update([Group((arm,) * 4)])
    assert metrics["update/steps"] == 0.0
    assert metrics["advantage/groups_without_signal"] == 1.0
    assert same(before, weights_of(policy))


@every_algorithm
def test_sparse_reward_is_enough(name: str) -> None:
    policy = make_policy()
    learner = make_learner(policy, configuration(name, learner__reward="sparse"))
    assert np.isfinite(list(learner.update(data_of(policy)).values())).all()
