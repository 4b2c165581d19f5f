"""The policy: one frozen network, adapters of their own, and learning that starts at ratio 1."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from peft import PeftModel

from tgrpo.checkpoint import CheckpointError, read_checkpoint
from tgrpo.config import LearnerConfig, OpenVLAConfig, SFTConfig
from tgrpo.policies import load_policy, save_policy
from tgrpo.policies.observations import Observations
from tgrpo.policies.openvla.backbone import backbone_of, expect_usable
from tgrpo.policies.openvla.loading import load_network
from tgrpo.policies.openvla.policy import OpenVLAPolicy
from tgrpo.policies.openvla.published import open_published
from tgrpo.policies.openvla.statistics import StatisticsError
from tgrpo.policies.soundness import UnsoundPolicyError, expect_sound
from tgrpo.tasks import Task
from tgrpo.training.clipped import ClippedLearner
from tgrpo.training.decisions import in_pieces
from tgrpo.training.ranks import ALONE
from tgrpo.training.sft import train_sft
from tgrpo.trajectory import Ending, Group, TaskContext, Trajectory

CONTEXT = TaskContext("libero_object", "milk", "pick up the milk", (), ())
TASK = Task("libero_object", "milk", "pick up the milk", Path("milk.bddl"), 280)
STEPS = 3
Frames = Mapping[str, np.ndarray]


@pytest.fixture
def config(checkpoint: Path) -> OpenVLAConfig:
    return OpenVLAConfig(checkpoint=str(checkpoint), lora_rank=4, precision="float32")


@pytest.fixture
def policy(config: OpenVLAConfig) -> OpenVLAPolicy:
    return OpenVLAPolicy(config, seed=1)


@pytest.fixture
def trained(config: OpenVLAConfig) -> OpenVLAPolicy:
    """With an adapter that changes what it does."""
    policy = OpenVLAPolicy(config, seed=2)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, tensor in policy.named_parameters():
            if ".lora_B." in name:
                tensor += 0.05 * torch.randn(tensor.shape, generator=generator)
    return policy


def frames(count: int, seed: int = 0) -> Frames:
    shape = (count, *OpenVLAPolicy.cameras[0].shape)
    generator = np.random.default_rng(seed)
    return {"agentview": generator.integers(0, 256, shape, dtype=np.uint8)}


def seen(images: Frames) -> Observations:
    count = len(images["agentview"])
    return Observations.of(np.zeros((count, 9), "f4"), np.zeros((count, 0, 7), "f4"), images)


def act(sampler, images: Frames, *, seed: int | None = 0):
    count = len(images["agentview"])
    noise = None if seed is None else np.random.default_rng(seed).random((count, 7))
    return sampler.sample(
        CONTEXT,
        np.zeros((count, 9), "f4"),
        np.zeros((count, 0, 7), "f4"),
        temperature=0.0 if seed is None else 1.0,
        uniforms=noise,
        images=images,
    )


def scores(policy: OpenVLAPolicy, images: Frames, tokens: np.ndarray) -> torch.Tensor:
    with torch.no_grad():
        return policy.log_probs(CONTEXT, seen(images), torch.from_numpy(tokens), temperature=1.0)


def played(policy: OpenVLAPolicy, *, seed: int = 0) -> Group:
    """Two arms of three decisions each, with different rewards."""
    arms = []
    for arm in range(2):
        images = frames(STEPS, 10 * seed + arm)
        tokens, log_probs = act(policy.sampler(), images, seed=arm)
        arms.append(
            Trajectory(
                CONTEXT, "train", 0, arm,
                robot=np.zeros((STEPS, 9), "f4"),
                objects=np.zeros((STEPS, 0, 7), "f4"),
                tokens=tokens, log_probs=log_probs,
                rewards=np.arange(STEPS) * float(arm), phi=np.zeros(STEPS),
                steps=np.ones(STEPS, int), stages=np.zeros(STEPS, int), stage_keys=((),),
                ending=Ending.TIMEOUT, images=images,
            )
        )  # fmt: skip
    return Group(tuple(arms))


def learner(policy: OpenVLAPolicy, **changes) -> ClippedLearner:
    config = LearnerConfig(minibatches=1, warmup_steps=0, learning_rate=1e-2, **changes)
    signs = np.array([[1.0] * STEPS, [-1.0] * STEPS])
    return ClippedLearner(policy, policy.reference(), config, lambda groups: [signs] * len(groups))


def test_a_new_adapter_changes_nothing(policy):
    images, tokens = frames(2), np.full((2, 7), 100)
    backbone = backbone_of(policy.config)
    with_adapter = scores(policy, images, tokens)
    without = scores(policy.reference(), images, tokens)
    assert torch.equal(with_adapter, without)
    assert backbone.slots.worn is None
    assert sum(t.numel() for t in policy.parameters()) > 0
    assert not dict(policy.reference().named_parameters())


def test_every_linear_layer_but_the_output_layer_has_an_adapter(policy):
    network = backbone_of(policy.config).network
    linear = {
        name.removesuffix(".base_layer")
        for name, module in network.named_modules()
        if isinstance(module, torch.nn.Linear) and "lora_" not in name
    }
    adapted = {name.rsplit(".", 2)[0] for name, _ in policy.named_parameters()}
    assert linear - adapted == {"language_model.lm_head"}
    assert adapted < linear


def test_the_network_is_walked_through_only_where_acting_and_learning_alternate(
    trained, monkeypatch
):
    network, images = backbone_of(trained.config).network, frames(1)
    tokens, _ = act(trained.sampler(), images)
    switched, train = [], network.train
    monkeypatch.setattr(network, "train", lambda mode: (switched.append(mode), train(mode)))
    act(trained.sampler(), images)
    for _ in range(2):
        trained.log_probs(CONTEXT, seen(images), torch.from_numpy(tokens), temperature=1.0)
    act(trained.sampler(), images)
    assert switched == [True, False]
    assert not any(layer.training for layer in network.language_model.model.layers)


def test_sampled_log_probs_are_scored_ones(trained):
    images = frames(3)
    tokens, sampled = act(trained.sampler(), images)
    np.testing.assert_allclose(sampled, scores(trained, images, tokens), rtol=0, atol=1e-5)


def test_the_ratio_is_one_on_the_first_epoch(trained):
    metrics = learner(trained).update([played(trained), played(trained, seed=1)])
    assert metrics["ratio/min"] == pytest.approx(1.0, abs=1e-5)
    assert metrics["ratio/max"] == pytest.approx(1.0, abs=1e-5)
    assert np.isfinite(metrics["loss/policy"])
    assert metrics["loss/kl"] == pytest.approx(0.0, abs=1e-6)
    assert metrics["update/gradient_norm"] > 0


def test_learning_moves_the_adapter_and_nothing_else(policy):
    group, reference, sampler = played(policy), policy.reference(), policy.sampler()
    images, tokens = frames(2), np.full((2, 7), 100)
    before = scores(policy, images, tokens)
    acted = act(sampler, images)
    learner(policy).update([group])
    assert (scores(policy, images, tokens) - before).abs().max() > 1e-3
    assert torch.equal(scores(reference, images, tokens), before)
    for was, now in zip(acted, act(sampler, images), strict=True):
        np.testing.assert_array_equal(was, now)
    policy.check_weights()


def test_a_trained_adapter_stays_with_the_reference_while_the_policy_goes_on(trained):
    images, tokens = frames(2), np.full((2, 7), 100)
    before, reference = scores(trained, images, tokens), trained.reference()
    assert torch.equal(scores(reference, images, tokens), before)
    learner(trained).update([played(trained)])
    assert (scores(trained, images, tokens) - before).abs().max() > 1e-3
    assert torch.equal(scores(reference, images, tokens), before)
    assert not any(tensor.requires_grad for tensor in reference.parameters())


def test_policies_of_one_checkpoint_share_its_weights(policy, trained, tmp_path):
    path = save_policy(tmp_path / "a.safetensors", trained)
    loaded, _ = load_policy(path)
    held = {id(backbone_of(item.config).network) for item in (policy, trained, loaded)}
    assert len(held) == 1


@pytest.mark.parametrize("size", [1, 4, 5])
def test_micro_batches_have_the_gradient_of_the_whole(trained, size):
    group = played(trained)

    def gradient(micro_batch: int | None) -> list[torch.Tensor]:
        kept = trained.state_dict()
        kept = {name: tensor.clone() for name, tensor in kept.items()}
        learner(trained, micro_batch=micro_batch).update([group])
        trained.load_state_dict(kept)
        return [tensor.grad.clone() for tensor in trained.parameters()]

    for whole, pieces in zip(gradient(None), gradient(size), strict=True):
        torch.testing.assert_close(pieces, whole, rtol=1e-3, atol=1e-6)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.none() | st.integers(1, 12))
def test_pieces_are_the_whole(lengths, size):
    batch = [(None, torch.randperm(length)) for length in lengths]
    pieces = [rows for _, rows, _ in in_pieces(batch, size, ALONE)]
    assert torch.equal(torch.cat(pieces), torch.cat([rows for _, rows in batch]))
    assert all(0 < len(rows) <= (size or 9) for rows in pieces)


def test_checkpointing_computes_again_with_the_adapter_it_began_with(trained):
    """Another adapter is worn between the forward pass and the backward one."""
    images, tokens = frames(2), torch.full((2, 7), 100)

    def gradient(between) -> list[torch.Tensor]:
        for tensor in trained.parameters():
            tensor.grad = None
        loss = trained.log_probs(CONTEXT, seen(images), tokens, temperature=1.0).sum()
        between()
        loss.backward()
        return [tensor.grad for tensor in trained.parameters()]

    other = OpenVLAPolicy(trained.config, seed=9).reference()
    plain = gradient(lambda: None)
    network = backbone_of(trained.config).network
    disturbed = gradient(lambda: scores(other, images, tokens.numpy()))
    for one, two in zip(plain, disturbed, strict=True):
        assert torch.equal(one, two)
    for part in (network.dino, network.siglip, network.language_model):
        assert part.is_activation_checkpointing


def test_checkpoints_hold_the_adapter_alone(trained, tmp_path):
    path = save_policy(tmp_path / "a.safetensors", trained)
    stored = read_checkpoint(path)
    assert stored.kind == "openvla"
    assert stored.architecture["checkpoint"] == trained.config.checkpoint
    assert set(stored.namespace("policy")) == {name for name, _ in trained.named_parameters()}
    loaded, _ = load_policy(path)
    for one, two in zip(
        act(trained.sampler(), frames(3)), act(loaded.sampler(), frames(3)), strict=True
    ):
        np.testing.assert_array_equal(one, two)


def test_a_checkpoint_without_its_base_says_so(trained, tmp_path):
    gone = trained.config.model_copy(update={"checkpoint": str(tmp_path / "gone")})
    trained.config = gone
    path = save_policy(tmp_path / "a.safetensors", trained)
    with pytest.raises(CheckpointError, match="gone: no such folder"):
        load_policy(path)


def test_a_pickled_sampler_is_an_adapter_and_a_name(trained):
    sampler = trained.sampler()
    pickled = pickle.dumps(sampler)
    weights = sum(t.nbytes for t in backbone_of(trained.config).network.parameters())
    assert len(pickled) < weights / 5
    for one, two in zip(
        act(sampler, frames(2)), act(pickle.loads(pickled), frames(2)), strict=True
    ):
        np.testing.assert_array_equal(one, two)


def test_actions_of_demonstrations_come_back(policy):
    generator = np.random.default_rng(4)
    low, high = np.array([-0.5, -0.6, -0.9, -0.1, -0.15, -0.2]), None
    high = np.array([0.8, 0.7, 0.93, 0.12, 0.17, 0.11])
    actions = np.concatenate(
        [generator.uniform(low, high, (20, 6)), generator.choice([-1.0, 1.0], (20, 1))], axis=1
    )
    again = policy.sampler().decode(CONTEXT, policy.encode(CONTEXT, actions))
    assert (np.abs(again - actions)[:, :6] <= (high - low) / 255 / 2 * 1.01).all()
    np.testing.assert_array_equal(again[:, 6], actions[:, 6])


def test_a_suite_without_statistics_is_told(policy, config):
    other = replace(CONTEXT, suite="libero_goal")
    with pytest.raises(StatisticsError, match="it has: libero_object"):
        policy.sampler().decode(other, np.zeros((1, 7), int))
    with pytest.raises(StatisticsError, match="libero_goal"):
        expect_usable(config, ["libero_object", "libero_goal"])
    chosen = OpenVLAPolicy(config.model_copy(update={"unnorm_key": "libero_object"}))
    assert chosen.sampler().decode(other, np.zeros((1, 7), int)).shape == (1, 7)


def test_sft_learns_the_shown_actions(policy):
    images = frames(4)
    actions = np.tile([0.3, -0.2, 0.1, 0.0, 0.05, -0.05, 1.0], (4, 1))

    class Shown:
        context, robot, objects = CONTEXT, np.zeros((4, 9), "f4"), np.zeros((4, 0, 7), "f4")

    Shown.images, Shown.actions = images, actions
    tokens = policy.encode(CONTEXT, actions)
    before = scores(policy, images, tokens).sum()
    settings = SFTConfig(steps=5, batch_size=4, micro_batch=3, learning_rate=1e-2, smoothing=0.0)
    train_sft(policy, [Shown()], settings, np.random.default_rng(0))
    assert scores(policy, images, tokens).sum() > before + 10


def test_the_merged_network_is_what_was_trained(trained, tmp_path):
    """In the published layout and precision (half), read by our loader without any adapter."""
    folder = trained.save_merged(tmp_path / "merged")
    merged = OpenVLAPolicy(trained.config.model_copy(update={"checkpoint": str(folder)}))
    images, tokens = frames(2), np.full((2, 7), 100)
    wanted, plain = scores(trained, images, tokens), scores(trained_off(trained), images, tokens)
    assert (scores(merged, images, tokens) - wanted).abs().max() < 0.02
    assert (plain - wanted).abs().max() > 0.2


def trained_off(policy: OpenVLAPolicy) -> OpenVLAPolicy:
    """The same checkpoint without the adapter."""
    return OpenVLAPolicy(policy.config).reference()


def test_peft_reads_the_adapter(trained, tmp_path):
    folder = trained.save_adapter(tmp_path / "adapter")
    published = open_published(Path(trained.config.checkpoint))
    network = load_network(published, device=torch.device("cpu"), dtype=torch.float32)
    PeftModel.from_pretrained(network, str(folder))
    pixels = torch.randn((1, 6, 224, 224), generator=torch.Generator().manual_seed(0))
    backbone = backbone_of(trained.config)
    backbone.slots.wear(dict(trained.named_parameters()))
    with torch.no_grad():
        torch.testing.assert_close(
            network.patches(pixels), backbone.network.patches(pixels), rtol=0, atol=1e-6
        )


def test_a_sound_policy_may_be_trained(policy, trained):
    expect_sound(policy, [TASK])
    expect_sound(trained, [TASK])


def test_a_blind_policy_is_refused(policy, monkeypatch):
    """As where `generate` takes an empty cache for a full one."""
    network = backbone_of(policy.config).network
    monkeypatch.setattr(
        network, "patches", lambda pixels: torch.zeros((len(pixels), 256, 48)), raising=True
    )
    with pytest.raises(UnsoundPolicyError, match="the policy is blind: two different images"):
        expect_sound(policy, [TASK])


def test_a_wrongly_loaded_policy_is_refused(policy):
    """As where a library draws a tensor anew."""
    norm = backbone_of(policy.config).network.siglip.encoder.layers[1].layer_norm1.weight
    kept = norm.detach().clone()
    try:
        with torch.no_grad():
            norm[3] += 1e-3
        with pytest.raises(CheckpointError, match=r"blocks\.1\.norm1\.weight is not what"):
            expect_sound(policy, [TASK])
    finally:
        with torch.no_grad():
            norm.copy_(kept)
    expect_sound(policy, [TASK])


def test_a_policy_at_odds_with_itself_is_refused(policy, monkeypatch):
    """As where sampling and scoring have different temperatures."""
    honest = policy.log_probs
    monkeypatch.setattr(
        policy,
        "log_probs",
        lambda context, seen, tokens, *, temperature: honest(
            context, seen, tokens, temperature=1.1 * temperature
        ),
    )
    with pytest.raises(UnsoundPolicyError, match="sampled and scored log-probs of the same"):
        expect_sound(policy, [TASK])


def test_a_sound_policy_in_bfloat16_may_be_trained(config):
    coarse = OpenVLAPolicy(config.model_copy(update={"precision": "bfloat16"}))
    expect_sound(coarse, [TASK])
    metrics = learner(coarse).update([played(coarse)])
    assert metrics["ratio/mean"] == pytest.approx(1.0, abs=0.1)
    assert np.isfinite(metrics["update/gradient_norm"])
    assert {tensor.dtype for tensor in coarse.parameters()} == {torch.float32}


def test_collectors_of_a_cluster_make_the_same_policy(trained):
    """From what is put into the object store: kind, configuration and adapter."""
    collector = pytest.importorskip("tgrpo.rollouts.on_ray.collector")
    weights = pickle.loads(pickle.dumps(collector.Weights.of(trained)))
    for one, two in zip(
        act(trained.sampler(), frames(2)), act(weights.policy().sampler(), frames(2)), strict=True
    ):
        np.testing.assert_array_equal(one, two)


def test_other_frames_are_looked_at_anew(policy):
    """What was prepared is kept for whoever asks about the same frames, and for nobody else."""
    tokens = np.full((2, 7), 100)
    images = {name: rows.copy() for name, rows in frames(2).items()}
    first = scores(policy, images, tokens)
    assert torch.equal(scores(policy, images, tokens), first)
    images["agentview"][1] = 255 - images["agentview"][1]
    second = scores(policy, images, tokens)
    assert (second[1] - first[1]).abs().max() > 1e-3
    torch.testing.assert_close(second[0], first[0], rtol=0, atol=1e-5)


def test_a_suite_that_is_not_known_is_refused_before_training(policy):
    with pytest.raises(StatisticsError, match="libero_goal"):
        expect_sound(policy, [TASK, replace(TASK, suite="libero_goal")])


def test_a_hub_id_without_a_network_says_what_to_do(config, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    wanted = config.model_copy(update={"checkpoint": "openvla/not-here"})
    with pytest.raises(CheckpointError) as error:
        OpenVLAPolicy(wanted)
    told = str(error.value)
    assert told.startswith("openvla/not-here: no such folder here, and it cannot be had from")
    assert "hf download openvla/not-here --local-dir FOLDER" in told
