"""The tiny policy: its kernels, and what it may know. What every policy does: test_policies.py."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.tgrpo.policies_here import NAMES, SOUP, noise
from tgrpo.policies.base import token_log_probs
from tgrpo.policies.features import rotation_matrix, state_features
from tgrpo.policies.observations import Observations
from tgrpo.policies.tiny import TinyPolicy
from tgrpo.policies.tiny_kernels import cumulate, draw
from tgrpo.policies.tiny_network import TinyConfig
from tgrpo.policies.tiny_sampler import TinySampler
from tgrpo.policies.vocabulary import LIBERO_WORDS, split_words
from tgrpo.simulation.envs import Simulation
from tgrpo.simulation.initial_states import load_states
from tgrpo.tasks import suite_tasks
from tgrpo.trajectory import TaskContext


@pytest.fixture(scope="module")
def policy() -> TinyPolicy:
    return TinyPolicy(seed=0)


def states(batch: int, seed: int = 0, objects: int = len(NAMES)) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    robot = rng.normal(0.0, 0.2, size=(batch, 9)).astype(np.float32)
    return robot, rng.normal(0.0, 0.2, size=(batch, objects, 7)).astype(np.float32)


def score(
    policy: TinyPolicy,
    context: TaskContext,
    robot: np.ndarray,
    objects: np.ndarray,
    tokens: np.ndarray,
    temperature: float = 1.0,
) -> np.ndarray:
    with torch.no_grad():
        seen, chosen = Observations.of(robot, objects), torch.from_numpy(tokens)
        return policy.log_probs(context, seen, chosen, temperature=temperature).numpy()


def test_size_is_what_the_embedded_default_promises(policy: TinyPolicy) -> None:
    assert 200_000 < sum(parameter.numel() for parameter in policy.parameters()) < 2_000_000


@settings(max_examples=30, deadline=None)
@given(
    chosen=st.lists(st.integers(0, 29), min_size=1, max_size=40),
    width=st.sampled_from([20, 32, 128]),
    objects=st.integers(1, 9),
    temperature=st.sampled_from([0.0, 0.7, 1.0]),
    chunk=st.sampled_from([1, 3]),
)
def test_an_action_does_not_depend_on_who_else_is_asked(
    chosen: list[int], width: int, objects: int, temperature: float, chunk: int
) -> None:
    """Not to the bit, whatever the number of rows, their order, and what else is in the batch."""
    sampler = sampler_of(width, chunk)
    scene = replace(SOUP, object_names=("a",) * objects, object_categories=("milk",) * objects)
    robot, poses = states(30, objects=objects)
    uniforms = noise(30, chunk=chunk) if temperature else None
    tokens, log_probs = sampler.sample(
        scene, robot, poses, temperature=temperature, uniforms=uniforms
    )
    some, some_log_probs = sampler.sample(
        scene,
        robot[chosen],
        poses[chosen],
        temperature=temperature,
        uniforms=None if uniforms is None else uniforms[chosen],
    )
    assert (some == tokens[chosen]).all()
    assert (some_log_probs == log_probs[chosen]).all()


@cache
def sampler_of(width: int, chunk: int) -> TinySampler:
    return TinyPolicy(TinyConfig(width=width, head_width=width, chunk=chunk), seed=0).sampler()


@settings(max_examples=15, deadline=None)
@given(
    layers=st.integers(1, 3),
    heads=st.sampled_from([1, 2, 4]),
    head_width=st.sampled_from([7, 32]),
    scale=st.sampled_from([0.5, 1.0, 1.5]),
    seed=st.integers(0, 9),
)
def test_acting_and_learning_read_the_same_distributions(
    layers: int, heads: int, head_width: int, scale: float, seed: int
) -> None:
    policy = TinyPolicy(TinyConfig(40, layers, heads, head_width, 16), seed=seed)
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.mul_(scale)
    robot, objects = states(6, seed=seed)
    tokens, log_probs = policy.sampler().sample(
        SOUP, robot, objects, temperature=0.8, uniforms=noise(6, seed)
    )
    scored = score(policy, SOUP, robot, objects, tokens, 0.8)
    np.testing.assert_allclose(log_probs, scored, atol=1e-5)


def test_weights_that_are_no_numbers_any_more_give_no_wild_bins() -> None:
    policy = TinyPolicy(seed=0)
    with torch.no_grad():
        policy.trunk.norm.weight.fill_(float("nan"))
    robot, objects = states(3)
    tokens, log_probs = policy.sampler().sample(
        SOUP, robot, objects, temperature=1.0, uniforms=noise(3)
    )
    assert ((tokens >= 0) & (tokens < 256)).all()
    assert np.isnan(log_probs).all()


@pytest.mark.sim
def test_another_goal_in_the_scene_file_changes_nothing(
    policy: TinyPolicy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TGRPO_CACHE", str(tmp_path / "cache"))
    task = next(task for task in suite_tasks("libero_object") if "alphabet_soup" in task.name)
    text = task.bddl_file.read_text()
    goal = "(In alphabet_soup_1 basket_1_contain_region)"
    assert goal in text
    other_file = tmp_path / task.bddl_file.name
    other_file.write_text(text.replace(goal, "(In milk_1 basket_1_contain_region)"))
    state = load_states(task, "validation")[0]
    asked = []
    for file in (task.bddl_file, other_file):
        simulation = Simulation(replace(task, bddl_file=file))
        seen = simulation.reset(state)
        asked.append((simulation.context, seen.robot[None], seen.objects[None]))
        simulation.close()
    (tokens, log_probs), (again, log_probs_again) = (
        policy.sampler().sample(*state, temperature=1.0, uniforms=noise(1)) for state in asked
    )
    assert (tokens == again).all()
    assert (log_probs == log_probs_again).all()
    told = replace(asked[0][0], instruction="pick up the milk and place it in the basket")
    _, elsewhere = policy.sampler().sample(told, *asked[0][1:], temperature=1.0, uniforms=noise(1))
    assert (elsewhere != log_probs).any()


def test_neither_the_order_nor_the_number_of_an_object_tells_anything(policy: TinyPolicy) -> None:
    robot, objects = states(4)
    tokens = np.full((4, 7), 128)
    plain = score(policy, SOUP, robot, objects, tokens)
    order = [3, 0, 4, 2, 1]
    shuffled = replace(
        SOUP,
        object_names=tuple(NAMES[i][:-1] + "7" for i in order),
        object_categories=tuple(SOUP.object_categories[i] for i in order),
    )
    again = score(policy, shuffled, robot, objects[:, order], tokens)
    np.testing.assert_allclose(again, plain, atol=1e-4)


def test_vocabulary_covers_names_and_drops_numbers() -> None:
    assert split_words("akita_black_bowl_1") == ("akita", "black", "bowl")
    assert set(split_words(SOUP.instruction)) <= set(LIBERO_WORDS)


@given(
    arrays(np.float32, (256,), elements=st.floats(-60, 60, width=32)),
    st.floats(0.0, 1.0, exclude_max=True),
)
def test_a_draw_brackets_its_uniform(logits: np.ndarray, uniform: float) -> None:
    summed = np.empty(256)
    best = cumulate(logits, 1.0, summed)
    token = draw(summed, uniform)
    probabilities = torch.softmax(torch.from_numpy(logits).double(), dim=-1).numpy()
    cdf = probabilities.cumsum() / probabilities.sum()
    assert logits[best] == logits.max()
    assert probabilities[token] > 0
    assert (cdf[token - 1] if token else 0.0) <= uniform + 1e-12
    assert uniform <= cdf[token] + 1e-12


def test_draws_follow_the_distribution_they_are_scored_by() -> None:
    logits = torch.randn(256, generator=torch.Generator().manual_seed(0)) * 2
    summed = np.empty(256)
    cumulate(logits.numpy(), 0.7, summed)
    tokens = [draw(summed, (number + 0.5) / 100_000) for number in range(100_000)]
    frequency = np.bincount(tokens, minlength=256) / len(tokens)
    claimed = token_log_probs(logits.expand(256, -1), torch.arange(256), temperature=0.7).exp()
    np.testing.assert_allclose(frequency, claimed, atol=2e-5)


@given(arrays(np.float64, (4,), elements=st.floats(-1, 1)).filter(lambda q: (q @ q) > 1e-3))
def test_rotation_matrices_are_rotations(quaternion: np.ndarray) -> None:
    rotation, other = np.empty((3, 3)), np.empty((3, 3))
    rotation_matrix(quaternion, rotation)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1.0)
    rotation_matrix(-quaternion, other)
    np.testing.assert_allclose(other, rotation)


def test_a_quarter_turn_about_z_takes_x_to_y() -> None:
    half = 0.5**0.5
    rotation = np.empty((3, 3))
    rotation_matrix(np.array([half, 0.0, 0.0, half]), rotation)  # w, x, y, z
    np.testing.assert_allclose(rotation @ [1.0, 0.0, 0.0], [0, 1, 0], atol=1e-12)


def test_features_stay_bounded_on_states_nobody_has_seen() -> None:
    robot, objects = np.zeros((1, 9), np.float32), np.full((1, 3, 7), 1e3, np.float32)
    objects[:, 0] = 0.0  # no position, no orientation
    for part in state_features(robot, objects):
        assert np.isfinite(part).all()
        assert np.abs(part).max() < 5
