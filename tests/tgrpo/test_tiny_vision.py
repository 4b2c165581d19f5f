"""The seeing policy: what it is made of, that it learns from pixels, and the whole way to TGRPO."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.tgrpo.policies_here import SOUP
from tgrpo.actions import decode
from tgrpo.config import PolicyConfig, SFTConfig
from tgrpo.layers import Layer, preset_layer, resolve
from tgrpo.policies import make_policy
from tgrpo.policies.tiny_vision import CAMERAS, TinyVisionPolicy
from tgrpo.policies.tiny_vision_network import VisionConfig
from tgrpo.programs import select
from tgrpo.rollouts.backend import LocalBackend
from tgrpo.rollouts.rollout import Collected
from tgrpo.scripted.demonstrator import run_episode
from tgrpo.simulation.envs import Simulation
from tgrpo.simulation.initial_states import load_states
from tgrpo.simulation.rendering import Renderer
from tgrpo.tasks import find_task
from tgrpo.training.algorithms import make_learner
from tgrpo.training.planning import group_jobs, rules
from tgrpo.training.sft import train_sft
from tgrpo.trajectory import Camera, Images, TaskContext, Trajectory

SMALL = VisionConfig(width=32, layers=1, head_width=32, word_width=16, image_size=24)
TASKS = Path(__file__).parents[2] / "tasks"
MILK = "libero_object/pick_up_the_milk_and_place_it_in_the_basket"


def test_it_is_small_and_sees_libero_s_two_cameras() -> None:
    policy = TinyVisionPolicy()
    assert sum(parameter.numel() for parameter in policy.parameters()) < 3_000_000
    assert policy.cameras == (
        Camera("agentview", 96, 96),
        Camera("robot0_eye_in_hand", 96, 96),
    )
    assert {camera.height for camera in TinyVisionPolicy(SMALL).cameras} == {24}


def test_its_image_size_is_no_matter_of_the_policy_that_sees_none() -> None:
    seeing = PolicyConfig(kind="tiny-vision", image_size=40)
    assert make_policy(seeing.kind, architecture=seeing.architecture()).cameras[0].width == 40
    assert "image_size" not in PolicyConfig(image_size=40).architecture()
    with pytest.raises(ValueError, match="image_size must be at least 16 pixels, got 8"):
        VisionConfig(image_size=8)


def test_it_learns_where_the_machine_computes_and_acts_on_the_cpu(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tgrpo.policies.default_device", lambda: torch.device("meta"))
    policy = make_policy("tiny-vision", architecture={"width": 32, "head_width": 32})
    assert isinstance(policy, TinyVisionPolicy)
    assert {parameter.device.type for parameter in policy.parameters()} == {"meta"}
    assert policy.device == policy.summary(SOUP).device == policy.reference().device
    assert make_policy("tiny").device == torch.device("cpu")


@dataclass(frozen=True)
class Demonstration:
    context: TaskContext
    robot: np.ndarray
    objects: np.ndarray
    actions: np.ndarray
    images: Images = field(default_factory=dict)


def pointing(context: TaskContext, channel: int, count: int, seed: int) -> Demonstration:
    """A red and a blue square in noise; the action points at the one in `channel`."""
    rng = np.random.default_rng(seed)
    size = SMALL.image_size
    images = {name: rng.integers(0, 60, (count, size, size, 3), dtype=np.uint8) for name in CAMERAS}
    places = rng.integers(2, size - 2, size=(count, 2, 2))
    for row, (red, blue) in enumerate(places):
        for at, colour in ((red, 0), (blue, 2)):
            images["agentview"][row, at[0] - 2 : at[0] + 2, at[1] - 2 : at[1] + 2, colour] = 255
    actions = np.zeros((count, 7))
    actions[:, :2] = places[:, channel // 2] / (size / 2) - 1
    robot, objects = np.zeros((count, 9), np.float32), np.zeros((count, 5, 7), np.float32)
    robot[:, 3] = objects[..., 3] = 1.0
    return Demonstration(context, robot, objects, actions, images)


def test_it_learns_from_pixels_alone_where_the_instruction_points() -> None:
    red = replace(SOUP, instruction="pick up the red box")
    blue = replace(SOUP, instruction="pick up the blue box")
    policy = TinyVisionPolicy(SMALL, seed=0)
    shown = [pointing(red, 0, 600, seed=0), pointing(blue, 2, 600, seed=1)]
    config = SFTConfig(steps=200, batch_size=64, learning_rate=3e-3)
    train_sft(policy, shown, config, np.random.default_rng(0))
    sampler = policy.sampler()
    for context, channel in ((red, 0), (blue, 2)):
        asked = pointing(context, channel, 60, seed=9)
        other = pointing(context, 2 - channel, 60, seed=9)
        tokens, _ = sampler.sample(
            context, asked.robot, asked.objects, temperature=0.0, images=asked.images
        )
        right, wrong = (
            np.abs(decode(tokens) - item.actions)[:, :2].mean() for item in (asked, other)
        )
        assert right < 0.2 < 0.4 < wrong, context.instruction


@pytest.mark.sim
def test_from_a_drawn_demonstration_to_two_iterations_of_tgrpo() -> None:
    config = resolve([preset_layer("vision"), Layer("test", {**FEW, "tasks.names": [MILK]})])
    programs = select(config.rewards, config.tasks).used
    policy = make_policy(config.policy.kind, architecture=config.policy.architecture())
    cloned = train_sft(
        policy, [demonstration(policy.cameras)], config.sft, np.random.default_rng(0)
    )
    assert np.isfinite(cloned["sft/loss"])
    before = policy.reference().state_dict()
    learner = make_learner(policy, config)
    with LocalBackend(1, 2) as backend:
        for iteration in (1, 2):
            jobs = group_jobs(config, programs, iteration)
            collected = backend.collect(policy, jobs, rules(config, iteration))
            shapes = {name: image.shape for name, image in arm(collected).images.items()}
            assert shapes == dict.fromkeys(CAMERAS, (5, 24, 24, 3))
            update = learner.update(collected.groups)
            assert np.isfinite(update["loss/policy"])
            # With one minibatch all decisions are scored by the weights that made them.
            assert update["ratio/min"] == pytest.approx(1.0, abs=1e-5)
            assert update["ratio/max"] == pytest.approx(1.0, abs=1e-5)
    assert any(
        not torch.equal(tensor, before[name]) for name, tensor in policy.state_dict().items()
    )


FEW = {
    "rewards": str(TASKS),
    "tasks.limit": None,
    "policy.image_size": 24,
    "policy.width": 32,
    "sft.steps": 4,
    "sft.batch_size": 8,
    "rollout.group_size": 2,
    "rollout.groups_per_iteration": 1,
    "rollout.max_steps": 5,
    "learner.minibatches": 1,
}


def demonstration(cameras: tuple[Camera, ...]) -> Demonstration:
    task, renderer = find_task(MILK), Renderer()
    simulation = Simulation(task, renderer=renderer)
    episode = run_episode(simulation, load_states(task, "train")[0], max_steps=6, cameras=cameras)
    simulation.close()
    renderer.close()
    return Demonstration(
        simulation.context, episode.robot, episode.objects, episode.actions, episode.images
    )


def arm(collected: Collected) -> Trajectory:
    return collected.groups[0].trajectories[0]
