"""OpenVLA-OFT's discrete variant on a tiny checkpoint: chunks from one pass, two cameras, the
robot's state. What the original computes is not known here: these are properties and formulas."""

from __future__ import annotations

import math
import pickle
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub.utils import filter_repo_objects
from torch import Tensor
from torch.nn import functional

from tests.tgrpo.openvla.tiny_checkpoint import edit_json, make_checkpoint
from tgrpo.checkpoint import CheckpointError
from tgrpo.cli.options import policy_values, resolve_options
from tgrpo.config import OpenVLAConfig
from tgrpo.policies import load_policy, save_policy
from tgrpo.policies.observations import Observations
from tgrpo.policies.openvla.backbone import backbone_of, expect_usable
from tgrpo.policies.openvla.decoding import Prefix, bin_logits, prefix
from tgrpo.policies.openvla.network import OpenVLANetwork
from tgrpo.policies.openvla.parallel import ParallelDecoding
from tgrpo.policies.openvla.policy import OpenVLAPolicy
from tgrpo.policies.openvla.prompt import aligned
from tgrpo.policies.openvla.proprioception import StateProjector, robot_state
from tgrpo.policies.openvla.statistics import StatisticsError
from tgrpo.policies.soundness import expect_sound
from tgrpo.simulation.envs import Simulation
from tgrpo.simulation.initial_states import load_states
from tgrpo.tasks import Task, find_task
from tgrpo.trajectory import TaskContext

CONTEXT = TaskContext("libero_object", "milk", "pick up the milk", (), ())
TASK = Task("libero_object", "milk", "pick up the milk", Path("milk.bddl"), 280)
PROMPTS = [(1, 512, 29901, 5839, 29871), (1, 512, 29901, 1724, 3158, 881, 29871)]
PROJECTOR = "proprio_projector--50000_checkpoint.pt"
CHUNK = 3


@pytest.fixture
def oft(checkpoint: Path) -> OpenVLAConfig:
    """Chunks from one image, as SimpleVLA-RL's checkpoints are."""
    return OpenVLAConfig(checkpoint=str(checkpoint), lora_rank=4, precision="float32", chunk=CHUNK)


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A checkpoint with a projector of the robot's state, in the published layout."""
    folder = make_checkpoint(tmp_path / "oft")
    torch.manual_seed(0)
    projector = StateProjector(backbone_width(folder)).state_dict()
    torch.save({f"module.{name}": tensor for name, tensor in projector.items()}, folder / PROJECTOR)
    edit_json(folder / "config.json", add_state_statistics)
    return folder


def backbone_width(folder: Path) -> int:
    return expect_usable(OpenVLAConfig(checkpoint=str(folder)), []).language.width


def add_state_statistics(table: dict) -> None:
    for data in table["norm_stats"].values():
        data["proprio"] = {"q01": [-1.0] * 8, "q99": [1.0] * 8}


def whole_config(folder: Path, **values: object) -> OpenVLAConfig:
    return OpenVLAConfig(
        checkpoint=str(folder), lora_rank=4, precision="float32", chunk=2, wrist=True, **values
    )


def seen(policy: OpenVLAPolicy, count: int, seed: int = 0) -> Observations:
    generator = np.random.default_rng(seed)
    images = {
        camera.name: generator.integers(0, 256, (count, *camera.shape), dtype=np.uint8)
        for camera in policy.cameras
    }
    robot = generator.normal(0, 0.3, (count, 9)).astype("f4")
    robot[:, 3:7] /= np.linalg.norm(robot[:, 3:7], axis=1, keepdims=True)
    return Observations.of(robot, np.zeros((count, 0, 7), "f4"), images)


def act(policy: OpenVLAPolicy, at: Observations, seed: int | None = 0):
    images = {name: frames.numpy() for name, frames in at.images.items()}
    noise = None
    if seed is not None:
        noise = np.random.default_rng(seed).random((len(at), 7 * policy.chunk))
    return policy.sampler().sample(
        CONTEXT,
        at.robot.numpy(),
        at.objects.numpy(),
        temperature=0.0 if seed is None else 1.0,
        uniforms=noise,
        images=images,
    )


def scores(policy: OpenVLAPolicy, at: Observations, tokens: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        chosen = torch.from_numpy(tokens)
        return policy.log_probs(CONTEXT, at, chosen, temperature=1.0).numpy()


@pytest.fixture
def before(network: OpenVLANetwork, pixels: Tensor) -> Prefix:
    with torch.no_grad():
        return prefix(network, pixels[[0, 0]], aligned(PROMPTS))


class TestDecoding:
    def test_a_prompt_is_answered_as_if_alone(self, network, pixels, before):
        decoding = ParallelDecoding(CHUNK)
        tokens = torch.zeros(2, 7 * CHUNK, dtype=torch.int64)
        with torch.no_grad():
            together = decoding.action_logits(network, before, tokens)
            assert together.shape == (2, 7 * CHUNK, 256)
            for row, prompt in enumerate(PROMPTS):
                one = prefix(network, pixels[:1], aligned([prompt]))
                alone = decoding.action_logits(network, one, tokens[:1])
                torch.testing.assert_close(together[row : row + 1], alone, atol=1e-4, rtol=0)

    def test_it_is_a_llama_in_which_every_column_sees_every_other(self, network, before):
        """Against the formulas (arXiv 2302.13971, 2104.09864), row by row, without padding."""
        decoding = ParallelDecoding(CHUNK)
        with torch.no_grad():
            ours = decoding.action_logits(network, before, torch.zeros(2, 7 * CHUNK))
            for row in range(2):
                kept = before.embeddings[row][before.mask[row]]
                blanks = torch.zeros(7 * CHUNK, kept.shape[1])
                columns = torch.cat([kept, blanks, network.embed(torch.tensor([2]))])
                hidden = llama(network, columns)[len(kept) - 1 :][: 7 * CHUNK]
                torch.testing.assert_close(
                    bin_logits(network, hidden), ours[row], atol=1e-3, rtol=1e-4
                )

    def test_what_was_chosen_changes_no_logit(self, network, before):
        decoding = ParallelDecoding(CHUNK)
        with torch.no_grad():
            one, two = (
                decoding.action_logits(network, before, torch.full((2, 7 * CHUNK), bin))
                for bin in (0, 200)
            )
        assert torch.equal(one, two)


def llama(network: OpenVLANetwork, columns: Tensor) -> Tensor:
    model, shape = network.language_model.model, network.shapes.language
    head = shape.width // shape.heads
    angles = torch.arange(len(columns))[:, None] / shape.rope_theta ** (
        torch.arange(0, head, 2) / head
    )
    turn = torch.cat([angles, angles], dim=1)[:, None]

    def turned(rows: Tensor) -> Tensor:
        first, second = rows.chunk(2, dim=-1)
        return rows * turn.cos() + torch.cat([-second, first], dim=-1) * turn.sin()

    def norm(rows: Tensor, weight: Tensor) -> Tensor:
        return rows * torch.rsqrt(rows.pow(2).mean(-1, keepdim=True) + shape.norm_eps) * weight

    for layer in model.layers:
        inner = norm(columns, layer.input_layernorm.weight)
        attention = layer.self_attn
        query, key, value = (
            functional.linear(inner, part.weight).view(len(columns), -1, head)
            for part in (attention.q_proj, attention.k_proj, attention.v_proj)
        )
        key, value = (
            rows.repeat_interleave(shape.heads // shape.key_value_heads, dim=1)
            for rows in (key, value)
        )
        weights = torch.einsum("qhd,khd->hqk", turned(query), turned(key)) / math.sqrt(head)
        mixed = torch.einsum("hqk,khd->qhd", weights.softmax(-1), value).flatten(1)
        columns = columns + functional.linear(mixed, attention.o_proj.weight)
        inner, mlp = norm(columns, layer.post_attention_layernorm.weight), layer.mlp
        gate = functional.silu(functional.linear(inner, mlp.gate_proj.weight))
        wide = gate * functional.linear(inner, mlp.up_proj.weight)
        columns = columns + functional.linear(wide, mlp.down_proj.weight)
    return norm(columns, model.norm.weight)


class TestPolicy:
    def test_the_ratio_of_a_policy_to_itself_is_one(self, oft):
        policy = OpenVLAPolicy(oft, seed=1)
        tokens, log_probs = act(policy, seen(policy, 3))
        assert tokens.shape == (3, 7 * CHUNK)
        again = scores(policy, seen(policy, 3), tokens)
        np.testing.assert_allclose(np.exp((again - log_probs).sum(axis=1)), 1.0, atol=1e-4)

    def test_a_row_is_answered_as_if_alone(self, oft):
        policy = OpenVLAPolicy(oft, seed=1)
        at = seen(policy, 3)
        with torch.no_grad():
            hidden, own = policy.hidden(CONTEXT, at), policy.hidden(CONTEXT, at[1:2])
        assert hidden.shape == (3, policy.hidden_width)
        torch.testing.assert_close(hidden[1:2], own, atol=1e-4, rtol=1e-4)
        together, log_probs = act(policy, at, seed=None)
        for row in range(3):
            alone, own = act(policy, at[row : row + 1], seed=None)
            assert np.array_equal(alone[0], together[row])
            np.testing.assert_allclose(own[0], log_probs[row], atol=1e-4)

    def test_it_learns_and_comes_back_from_a_checkpoint(self, oft, tmp_path):
        policy = OpenVLAPolicy(oft, seed=1)
        at, tokens = seen(policy, 2), np.full((2, 7 * CHUNK), 100)
        optimizer = torch.optim.SGD(policy.parameters(), lr=0.5)
        before = scores(policy, at, tokens)
        for _ in range(2):
            optimizer.zero_grad()
            chosen = torch.from_numpy(tokens)
            (-policy.log_probs(CONTEXT, at, chosen, temperature=1.0).mean()).backward()
            optimizer.step()
        after = scores(policy, at, tokens)
        assert after.mean() > before.mean()
        loaded, _ = load_policy(save_policy(tmp_path / "it.safetensors", policy))
        assert isinstance(loaded, OpenVLAPolicy)
        assert loaded.chunk == CHUNK
        np.testing.assert_allclose(scores(loaded, at, tokens), after, atol=1e-6)
        travelled = pickle.loads(pickle.dumps(policy.sampler()))
        assert (travelled.chunk, travelled.cameras) == (CHUNK, policy.cameras)

    def test_two_cameras_and_the_robot_s_state_are_both_seen(self, whole):
        policy = OpenVLAPolicy(whole_config(whole), seed=1)
        assert [camera.name for camera in policy.cameras] == ["agentview", "robot0_eye_in_hand"]
        expect_sound(policy, [TASK])
        at, tokens = seen(policy, 1), np.full((1, 14), 100)
        known = scores(policy, at, tokens)
        for other in (
            with_images(at, "agentview"),
            with_images(at, "robot0_eye_in_hand"),
            Observations(at.robot + 0.5, at.objects, at.images),
        ):
            assert np.abs(scores(policy, other, tokens) - known).max() > 1e-6

    def test_one_that_saves_its_network_keeps_the_projector(self, whole, tmp_path):
        policy = OpenVLAPolicy(whole_config(whole), seed=1)
        saved = OpenVLAPolicy(whole_config(policy.save_merged(tmp_path / "saved")), seed=1)
        at, tokens = seen(policy, 1), np.full((1, 14), 100)
        np.testing.assert_allclose(scores(saved, at, tokens), scores(policy, at, tokens), atol=1e-5)


def with_images(at: Observations, name: str) -> Observations:
    changed: Mapping[str, Tensor] = {**at.images, name: 255 - at.images[name]}
    return Observations(at.robot, at.objects, changed)


class TestFiles:
    def test_its_projector_is_not_read_as_openvla_s(self, whole):
        config = OpenVLAConfig(checkpoint=str(whole))
        with pytest.raises(CheckpointError, match="one of OpenVLA-OFT: --policy openvla-oft:"):
            expect_usable(config, [])
        with pytest.raises(CheckpointError, match="one of OpenVLA-OFT"):
            backbone_of(config)

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("action_head--50000_checkpoint.pt", "its actions are continuous"),
            ("noisy_action_projector--1_checkpoint.pt", "its actions are continuous"),
            ("vision_backbone--1_checkpoint.pt", "modulated by language"),
            ("proprio_projector--2_checkpoint.pt", "several projectors of the robot's state"),
        ],
    )
    def test_what_cannot_be_used_is_named(self, whole, name, message):
        (whole / name).write_bytes(b"")
        with pytest.raises(CheckpointError, match=message):
            expect_usable(whole_config(whole), [])

    def test_its_components_are_brought_from_the_hub_too(self, whole, tmp_path, monkeypatch):
        (whole / "action_head--50000_checkpoint.pt").write_bytes(b"")
        (brought := tmp_path / "brought").mkdir()

        def download(_: str, *, allow_patterns: list[str]) -> str:
            files = [path.name for path in whole.iterdir()]
            for name in filter_repo_objects(files, allow_patterns=allow_patterns):
                shutil.copyfile(whole / name, brought / name)
            return str(brought)

        monkeypatch.setattr("tgrpo.policies.openvla.hub.snapshot_download", download)
        with pytest.raises(CheckpointError, match="its actions are continuous"):
            expect_usable(whole_config(Path("me/mine")), [])
        assert (brought / PROJECTOR).is_file()

    def test_a_projector_of_another_size_is_refused(self, whole):
        torch.save(StateProjector(3).state_dict(), whole / PROJECTOR)
        with pytest.raises(CheckpointError, match=r"fc1.weight': \(3, 8\)"):
            backbone_of(whole_config(whole))

    def test_a_file_that_holds_code_is_not_run(self, whole, tmp_path):
        torch.save({"fc1.weight": Touching(tmp_path / "touched")}, whole / PROJECTOR)
        with pytest.raises(CheckpointError, match="no file of tensors"):
            backbone_of(whole_config(whole))
        assert not (tmp_path / "touched").exists()

    def test_a_data_set_without_the_robot_s_state_is_named(self, whole):
        def remove(table: dict) -> None:
            for data in table["norm_stats"].values():
                del data["proprio"]

        edit_json(whole / "config.json", remove)
        with pytest.raises(StatisticsError, match="no statistics of the robot's state"):
            expect_usable(whole_config(whole), ["libero_object"])

    def test_the_command_line_has_a_name_for_it(self):
        assert policy_values("openvla-oft:a/b") == {
            "policy.kind": "openvla",
            "openvla.checkpoint": "a/b",
            "openvla.chunk": 8,
        }
        resolved = resolve_options({"policy": "openvla-oft:a/b"})
        assert resolved.preset.startswith("openvla ")
        assert (resolved.config.policy.kind, resolved.config.openvla.chunk) == ("openvla", 8)


class Touching:
    """Unpickled by `pickle`, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.sim
def test_the_robot_s_state_is_libero_s_observation_of_it():
    task = find_task("libero_object/pick_up_the_milk_and_place_it_in_the_basket")
    simulation = Simulation(task)
    simulation.reset(load_states(task, "train")[0])
    for action in np.random.default_rng(0).uniform(-1, 1, (5, 7)):
        robot = simulation.step(action).robot
        (state,) = robot_state(robot[None])
        hand = simulation.data.body("robot0_right_hand").xquat
        assert np.array_equal(state[:3], robot[:3])
        assert np.array_equal(state[6:], robot[7:])
        angle = np.linalg.norm(state[3:6])
        half = np.concatenate([[np.cos(angle / 2)], np.sin(angle / 2) * state[3:6] / angle])
        assert min(np.abs(half - hand).max(), np.abs(half + hand).max()) < 1e-5
