"""TGRPO on the tiny checkpoint in the real simulator, images and all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.tgrpo.openvla.tiny_checkpoint import make_checkpoint
from tgrpo.actions import split_actions
from tgrpo.config import TasksConfig, TrainConfig
from tgrpo.layers import Layer, preset_layer, resolve
from tgrpo.policies import load_policy, make_policy, save_policy
from tgrpo.policies.base import Policy
from tgrpo.policies.soundness import expect_sound
from tgrpo.programs import TaskProgram, select
from tgrpo.rollouts.rollout import GroupJob, collect
from tgrpo.rollouts.workers import Pool
from tgrpo.simulation.initial_states import load_states
from tgrpo.training.algorithms import make_learner
from tgrpo.training.planning import rules
from tgrpo.trajectory import Group

MILK = "libero_object/pick_up_the_milk_and_place_it_in_the_basket"
STEPS = 8
# Untrained, the hand drifts towards the basket, so that arms differ in this after a few steps.
REWARD = f"""rewardlang 1
task "pick up the milk and place it in the basket"
scene "{MILK}"

stage reach weight 1 {{ until near(gripper, basket_1) }}

success bddl
"""


@pytest.fixture
def program(tmp_path: Path) -> TaskProgram:
    path = tmp_path / "basket.rl"
    path.write_text(REWARD)
    return select(path, TasksConfig(names=(MILK,))).used[0]


@pytest.fixture(params=[{}, {"openvla.chunk": 4, "openvla.wrist": True}], ids=["openvla", "oft"])
def config(request: pytest.FixtureRequest, tmp_path: Path) -> TrainConfig:
    words = ["pick", "up", "the", "milk", "and", "place", "it", "in", "the", "basket"]
    values = {
        "openvla.checkpoint": str(make_checkpoint(tmp_path / "tiny", words=words)),
        "openvla.lora_rank": 4,
        "rollout.group_size": 2,
        "learner.learning_rate": 1e-2,
        "learner.minibatches": 1,
        "learner.micro_batch": 3,
        "learner.warmup_steps": 0,
        **request.param,
    }
    return resolve([preset_layer("openvla"), Layer("test", values)])


def greedy(policy: Policy, group: Group) -> np.ndarray:
    """Actions for what the first arm saw."""
    arm = group.trajectories[0]
    sampler = policy.sampler()
    tokens, _ = sampler.sample(
        arm.context, arm.robot, arm.objects, temperature=0.0, images=arm.images
    )
    return sampler.decode(arm.context, split_actions(tokens))


@pytest.mark.sim
def test_two_iterations(config: TrainConfig, program: TaskProgram, tmp_path: Path) -> None:
    policy = make_policy("openvla", architecture=config.architecture())
    expect_sound(policy, [program.task])
    learner = make_learner(policy, config)
    before = {name: tensor.clone() for name, tensor in policy.state_dict().items()}
    states = load_states(program.task, "train")
    updates = []
    with Pool(1, 2) as pool:
        for iteration in (1, 2):
            job = GroupJob(0, program.task, program.program, (states[iteration],), STEPS)
            collected = collect(policy.sampler(), pool, [job], rules(config, iteration))
            updates.append(learner.update(collected.groups))

    group = collected.groups[0]
    decisions = STEPS // policy.chunk
    for arm in group.trajectories:
        assert arm.control_steps == STEPS
        assert arm.images.keys() == {camera.name for camera in policy.cameras}
        assert {frames.shape for frames in arm.images.values()} == {(decisions, 256, 256, 3)}
    for update in updates:
        assert update["update/steps"] == 1.0
        assert np.isfinite([update["loss/policy"], update["loss/kl"]]).all()
        assert update["ratio/min"] == pytest.approx(1.0, abs=1e-5)
        assert update["ratio/max"] == pytest.approx(1.0, abs=1e-5)
    assert updates[0]["loss/kl"] == pytest.approx(0.0, abs=1e-6)
    assert updates[1]["loss/kl"] > 1e-4
    assert any(
        not torch.equal(tensor, before[name]) for name, tensor in policy.state_dict().items()
    )
    expect_sound(policy, [program.task])  # the frozen weights are the file's still

    loaded, _ = load_policy(save_policy(tmp_path / "policy.safetensors", policy))
    np.testing.assert_array_equal(greedy(loaded, group), greedy(policy, group))
    assert np.abs(greedy(learner.reference, group) - greedy(policy, group)).max() > 0
