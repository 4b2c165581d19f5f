"""What `tgrpo.policies.base` promises, of every registered policy that can be built here."""

from __future__ import annotations

import pickle
from dataclasses import fields, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tgrpo.policies_here import (
    NAMES,
    POLICIES,
    SOUP,
    build,
    logits,
    noise,
    sample,
    scene,
    score,
    seen,
)
from tgrpo.actions import split_actions
from tgrpo.policies import load_policy, make_policy, save_policy
from tgrpo.policies.base import Policy, Sampler
from tgrpo.trajectory import TaskContext

MILK = replace(SOUP, instruction="pick up the milk and place it in the basket")


@pytest.fixture(params=POLICIES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def policy(name: str) -> Policy:
    return build(name)


@cache
def sampler_of(name: str) -> Sampler:
    return build(name).sampler()


def moved(policy: Policy, by: float) -> Policy:
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.add_(by)
    return policy


def test_equal_seeds_give_equal_weights_and_leave_the_global_generator_alone(name: str) -> None:
    before = torch.get_rng_state()
    one, two, other = (build(name, seed).state_dict() for seed in (3, 3, 4))
    assert torch.equal(before, torch.get_rng_state())
    for weight, tensor in one.items():
        assert torch.equal(tensor, two[weight]), weight
    assert any(not torch.equal(tensor, other[weight]) for weight, tensor in one.items())


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.6])
@pytest.mark.parametrize("batch", [1, 8, 21])
def test_scoring_agrees_with_sampling(policy: Policy, temperature: float, batch: int) -> None:
    shown = scene(policy.cameras, batch)
    uniforms = noise(batch, chunk=policy.chunk)
    tokens, log_probs = sample(policy.sampler(), SOUP, shown, temperature, uniforms)
    assert tokens.shape == log_probs.shape == (batch, 7 * policy.chunk)
    assert tokens.dtype == np.int64
    assert log_probs.dtype == np.float32
    scored = score(policy, SOUP, shown, tokens, temperature)
    ratio = np.exp(split_actions(scored - log_probs).sum(axis=-1))
    np.testing.assert_allclose(ratio, 1.0, atol=1e-5)


def test_greedy_takes_the_likeliest_bin_of_each_dimension(policy: Policy) -> None:
    shown = scene(policy.cameras, 5)
    tokens, log_probs = sample(policy.sampler(), SOUP, shown, 0.0)
    said = logits(policy, SOUP, shown, tokens)
    assert (said.argmax(dim=-1).numpy() == tokens).all()
    likeliest = torch.log_softmax(said, -1).max(dim=-1).values.numpy()
    np.testing.assert_allclose(log_probs, likeliest, atol=1e-5)


@pytest.mark.parametrize("name", POLICIES)
@settings(max_examples=15, deadline=None)
@given(
    chosen=st.lists(st.integers(0, 11), min_size=1, max_size=15),
    objects=st.integers(1, 9),
    temperature=st.sampled_from([0.0, 0.7, 1.0]),
)
def test_an_action_does_not_depend_on_who_else_is_asked(
    name: str, chosen: list[int], objects: int, temperature: float
) -> None:
    """Not to the bit, whatever the number of rows, their order, and what else is in the batch."""
    sampler = sampler_of(name)
    named = replace(SOUP, object_names=("a",) * objects, object_categories=("milk",) * objects)
    shown = scene(sampler.cameras, 12, objects=objects)
    uniforms = noise(12, chunk=sampler.chunk) if temperature else None
    tokens, log_probs = sample(sampler, named, shown, temperature, uniforms)
    fewer = None if uniforms is None else uniforms[chosen]
    some, some_log_probs = sample(sampler, named, shown[chosen], temperature, fewer)
    assert (some == tokens[chosen]).all()
    assert (some_log_probs == log_probs[chosen]).all()


def test_a_sampler_keeps_the_weights_it_was_made_with_and_travels(name: str) -> None:
    policy = build(name)
    shown = scene(policy.cameras, 3)
    sampler, uniforms = policy.sampler(), noise(3, chunk=policy.chunk)
    travelled = pickle.loads(pickle.dumps(sampler))
    assert travelled.cameras == sampler.cameras == policy.cameras
    assert travelled.chunk == sampler.chunk == policy.chunk
    before = sample(sampler, SOUP, shown, 1.0, uniforms)
    after = sample(moved(policy, 0.01).sampler(), SOUP, shown, 1.0, uniforms)
    assert (after[1] != before[1]).all()
    for other in (sampler, travelled):
        again = sample(other, SOUP, shown, 1.0, uniforms)
        assert (again[0] == before[0]).all()
        assert (again[1] == before[1]).all()
    # A task that it first meets now is read with the old weights too.
    asked = (
        sample(item, MILK, shown, 1.0, uniforms)[1] for item in (sampler, build(name).sampler())
    )
    np.testing.assert_array_equal(*asked)


def test_each_dimension_is_conditioned_on_the_bins_before_it_only(policy: Policy) -> None:
    """Those of its own action, and of the action before it."""
    shown = scene(policy.cameras, 1)
    for place in range(7 * policy.chunk):
        first = np.full((1, 7 * policy.chunk), 100)
        second = first.copy()
        second[:, place] = 200
        one, two = (logits(policy, SOUP, shown, tokens)[0] for tokens in (first, second))
        changed = (one != two).any(dim=-1)
        assert not changed[: place + 1].any()
        assert changed[place + 1 : (place // 7 + 2) * 7].all()


def test_the_instruction_alone_names_the_object(policy: Policy) -> None:
    shown, tokens = scene(policy.cameras, 4), np.full((4, 7 * policy.chunk), 128)
    soup = score(policy, SOUP, shown, tokens)
    assert np.abs(score(policy, MILK, shown, tokens) - soup).max() > 1e-3
    # Suite and task name are bookkeeping, and there is no field for goal, program or reward.
    renamed = replace(SOUP, suite="other", task="pick_up_the_milk_and_place_it_in_the_basket")
    assert (score(policy, renamed, shown, tokens) == soup).all()
    assert {field.name for field in fields(TaskContext)} == {
        "suite",
        "task",
        "instruction",
        "object_names",
        "object_categories",
    }


def test_words_it_has_never_seen_are_words_all_the_same(policy: Policy) -> None:
    strange = replace(SOUP, instruction="bring the quince to the zoo", object_names=("1",) * 5)
    tokens, _ = sample(policy.sampler(), strange, scene(policy.cameras, 2), 0.0)
    assert tokens.shape == (2, 7 * policy.chunk)


def test_what_a_policy_asks_to_see_changes_what_it_does(policy: Policy) -> None:
    """Each camera by itself: a policy that is blind on one eye learns all the same, and worse."""
    shown, other = scene(policy.cameras, 3), scene(policy.cameras, 3, seed=7)
    tokens = np.full((3, 7 * policy.chunk), 128)
    plain = score(policy, SOUP, shown, tokens)
    for camera in policy.cameras:
        images = {**shown.images, camera.name: other.images[camera.name]}
        assert (
            (score(policy, SOUP, replace(shown, images=images), tokens) != plain).any(axis=1).all()
        )


def test_a_policy_that_sees_is_not_told_where_objects_are(policy: Policy) -> None:
    if not policy.cameras:
        pytest.skip("it reads the state")
    shown, tokens = scene(policy.cameras, 3), np.full((3, 7 * policy.chunk), 128)
    elsewhere = replace(shown, objects=scene((), 3, seed=7, objects=2).objects)
    named = replace(SOUP, object_names=NAMES[:2], object_categories=SOUP.object_categories[:2])
    assert (score(policy, SOUP, shown, tokens) == score(policy, named, elsewhere, tokens)).all()


def test_a_reference_has_no_gradient_and_stays_as_it_was(name: str) -> None:
    policy = build(name)
    reference = policy.reference()
    assert not any(parameter.requires_grad for parameter in reference.parameters())
    moved(policy, 1.0)
    fresh = build(name).state_dict()
    for weight, tensor in reference.state_dict().items():
        assert torch.equal(tensor, fresh[weight]), weight


def test_a_demonstrated_action_comes_back_within_half_a_bin(policy: Policy) -> None:
    actions = np.random.default_rng(0).uniform(-1, 1, size=(40, 7))
    tokens = policy.encode(SOUP, actions)
    assert tokens.shape == (40, 7)
    again = policy.sampler().decode(SOUP, tokens)
    assert np.abs(again - actions).max() <= 1 / 255 + 1e-9


def test_hidden_is_as_wide_as_it_says_and_has_gradient(policy: Policy) -> None:
    hidden = policy.hidden(SOUP, seen(scene(policy.cameras, 2)))
    assert hidden.shape == (2, policy.hidden_width)
    assert hidden.requires_grad


def test_every_weight_learns(policy: Policy) -> None:
    shown = scene(policy.cameras, 4)
    tokens = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (4, 7 * policy.chunk)))
    policy.log_probs(SOUP, seen(shown), tokens, temperature=1.0).sum().backward()
    idle = [name for name, weight in policy.named_parameters() if weight.grad is None]
    assert idle == []


def test_a_checkpoint_acts_as_the_policy_that_was_saved(name: str, tmp_path: Path) -> None:
    policy = moved(build(name), 0.01)
    path = save_policy(tmp_path / "a.safetensors", policy)
    loaded, checkpoint = load_policy(path, kind=policy.kind)
    assert checkpoint.kind == policy.kind
    assert loaded.cameras == policy.cameras
    shown, uniforms = scene(policy.cameras, 2), noise(2, chunk=policy.chunk)
    for ours, theirs in zip(
        *(sample(item.sampler(), SOUP, shown, 1.0, uniforms) for item in (policy, loaded)),
        strict=True,
    ):
        assert (ours == theirs).all()


@pytest.mark.parametrize(
    ("temperature", "rows", "message"),
    [
        (-1.0, None, r"temperature must be >= 0, got -1.0"),
        (0.0, 2, r"temperature 0 is greedy and takes no noise"),
        (1.0, None, r"uniforms of shape \(2, \d+\), got None"),
        (1.0, 3, r"uniforms of shape \(2, \d+\), got \(3, \d+\)"),
    ],
)
def test_noise_and_temperature_must_fit(
    policy: Policy, temperature: float, rows: int | None, message: str
) -> None:
    uniforms = None if rows is None else noise(rows, chunk=policy.chunk)
    with pytest.raises(ValueError, match=message):
        sample(policy.sampler(), SOUP, scene(policy.cameras, 2), temperature, uniforms)


def test_an_unknown_policy_is_answered_with_those_there_are() -> None:
    with pytest.raises(
        ValueError, match=r"unknown policy 'huge'; known: tiny, tiny-vision, openvla"
    ):
        make_policy("huge")
