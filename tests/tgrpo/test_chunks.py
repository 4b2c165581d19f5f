"""Decisions of several actions: chosen at once, executed one after the other until the end."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import rewardlang
from tests.tgrpo.killed_runs import (
    MILK,
    ROOT,
    assert_the_same,
    begin,
    killed_while_writing,
    resume,
    tgrpo,
    the_run,
)
from tests.tgrpo.scripted_pool import EchoPolicy, Script, ScriptedPool, make_state, make_task
from tests.tgrpo.toy_groups import CONTEXT, SMALL, group, make_policy
from tgrpo import actions
from tgrpo.config import CriticConfig, LearnerConfig
from tgrpo.policies import load_policy, save_policy
from tgrpo.policies.observations import Observations
from tgrpo.policies.tiny import TinyPolicy
from tgrpo.policies.tiny_network import TinyConfig
from tgrpo.rollouts.batches import evaluate
from tgrpo.rollouts.episodes import Assignment, Moment, Slot
from tgrpo.rollouts.evaluation import EvaluationJob, Outcome
from tgrpo.rollouts.rollout import GroupJob, Rules, collect
from tgrpo.scripted.demonstrator import run_episode
from tgrpo.simulation.envs import Simulation
from tgrpo.simulation.initial_states import InitialState, load_states
from tgrpo.simulation.rendering import Renderer
from tgrpo.tasks import Task, find_task
from tgrpo.training.critic import Critic
from tgrpo.training.sft import demonstrated_chunks
from tgrpo.trajectory import Camera, Ending, Group, Trajectory

CHUNKS = (1, 2, 8)
MAX_STEPS = 12
EIGHT = ("--set", "policy.chunk=8")

any_chunk = pytest.mark.parametrize("chunk", CHUNKS)
fates = st.lists(st.none() | st.integers(1, MAX_STEPS), min_size=4, max_size=4)


def seen(batch: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    robot = rng.normal(0, 0.2, (batch, 9)).astype(np.float32)
    return robot, rng.normal(0, 0.2, (batch, 2, 7)).astype(np.float32)


def drawn(policy: TinyPolicy, batch: int) -> tuple[np.ndarray, np.ndarray]:
    uniforms = np.random.default_rng(1).random((batch, 7 * policy.chunk))
    return policy.sampler().sample(CONTEXT, *seen(batch), temperature=1.0, uniforms=uniforms)


class TestPolicy:
    @any_chunk
    def test_scoring_agrees_with_sampling(self, chunk: int) -> None:
        policy = make_policy(chunk)
        tokens, log_probs = drawn(policy, 9)
        assert tokens.shape == log_probs.shape == (9, 7 * chunk)
        with torch.no_grad():
            scored = policy.log_probs(
                CONTEXT, Observations.of(*seen(9)), torch.from_numpy(tokens), temperature=1.0
            )
        ratio = np.exp((scored.numpy() - log_probs).sum(axis=1))
        np.testing.assert_allclose(ratio, 1.0, atol=1e-5)

    @any_chunk
    def test_greedy_takes_the_likeliest_bins(self, chunk: int) -> None:
        policy = make_policy(chunk)
        tokens, _ = policy.sampler().sample(CONTEXT, *seen(5), temperature=0.0)
        with torch.no_grad():
            logits = policy.action_logits(
                CONTEXT, Observations.of(*seen(5)), torch.from_numpy(tokens)
            )
        assert logits.shape == (5, 7 * chunk, 256)
        assert (logits.argmax(dim=-1).numpy() == tokens).all()

    @pytest.mark.parametrize("changed", [0, 3, 6, 7, 10, 13, 14, 20])
    def test_a_token_bears_on_what_is_left_of_its_action_and_on_the_next(
        self, changed: int
    ) -> None:
        policy, robot_and_objects = make_policy(chunk=4), Observations.of(*seen(1))
        tokens = torch.from_numpy(drawn(policy, 1)[0])
        other = tokens.clone()
        other[0, changed] = (tokens[0, changed] + 128) % 256
        with torch.no_grad():
            one, two = (
                policy.action_logits(CONTEXT, robot_and_objects, t) for t in (tokens, other)
            )
        moved = {place for place in range(28) if not torch.equal(one[0, place], two[0, place])}
        next_action = 7 * (changed // 7 + 1)
        assert moved == set(range(changed + 1, next_action + 7))

    def test_one_action_is_the_network_that_knows_no_chunks(self) -> None:
        known = dict(TinyPolicy(SMALL).architecture())
        assert known.pop("chunk") == 1
        old = TinyPolicy(TinyConfig.from_architecture(known), seed=0)
        names = {name for name, _ in old.named_parameters() if name.startswith("head.")}
        assert names == {
            *("head.enter.weight", "head.enter.bias"),
            *(f"head.given.{number}.weight" for number in range(6)),
            *(f"head.out.{number}.{part}" for number in range(7) for part in ("weight", "bias")),
        }

    @any_chunk
    def test_it_comes_back_from_a_checkpoint(self, chunk: int, tmp_path: Path) -> None:
        policy = make_policy(chunk)
        loaded, _ = load_policy(save_policy(tmp_path / "it.safetensors", policy))
        assert loaded.chunk == loaded.sampler().chunk == chunk
        assert isinstance(loaded, TinyPolicy)
        assert np.array_equal(drawn(loaded, 3)[0], drawn(policy, 3)[0])

    def test_noise_of_another_size_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"uniforms of shape \(2, 21\), got \(2, 7\)"):
            make_policy(3).sampler().sample(
                CONTEXT, *seen(2), temperature=1.0, uniforms=np.zeros((2, 7))
            )

    @pytest.mark.parametrize("shape", [(3, 8), ()])
    def test_tokens_of_no_whole_action_are_refused(self, shape: tuple[int, ...]) -> None:
        with pytest.raises(ValueError, match="multiple of 7, got shape"):
            actions.split_actions(np.zeros(shape, np.int64))


def played(chunk: int, ends: list[int | None], stop: str = "independent") -> Group:
    job = GroupJob(0, make_task(max_steps=MAX_STEPS), None, (make_state(0),), MAX_STEPS)
    pool = ScriptedPool(2, 4, lambda _, slot: Script(ends[slot]))
    (result,) = collect(EchoPolicy(chunk), pool, [job], Rules(4, 1.0, stop, 0, 0)).groups
    for slot, arm in enumerate(result.trajectories):
        chosen = actions.decode(actions.split_actions(arm.tokens)).reshape(-1, 7)
        executed = chosen[: arm.control_steps]
        assert np.array_equal(executed, np.stack(pool.actions[slot, 0])[: len(executed)])
    return result


def steps_of(arm: Trajectory, chunk: int) -> list[int]:
    whole, rest = divmod(arm.control_steps, chunk)
    return [chunk] * whole + [rest] * (rest > 0)


class TestGroups:
    @settings(max_examples=40, deadline=None)
    @given(ends=fates, chunk=st.sampled_from([2, 5, 8, 20]))
    def test_chunks_come_to_what_single_steps_come_to(
        self, ends: list[int | None], chunk: int
    ) -> None:
        for one, arm in zip(
            played(1, ends).trajectories, played(chunk, ends).trajectories, strict=True
        ):
            assert arm.ending is one.ending
            assert arm.control_steps == one.control_steps == len(one)
            assert arm.steps.tolist() == steps_of(arm, chunk)
            last = np.cumsum(arm.steps) - 1
            assert arm.rewards == pytest.approx(np.diff(np.cumsum(one.rewards)[last], prepend=0.0))
            assert arm.phi.tolist() == one.phi[last].tolist()
            assert [arm.stage_keys[index] for index in arm.stages] == [
                one.stage_keys[index] for index in one.stages[last]
            ]
            assert arm.robot[:, 2].tolist() == [chunk * number for number in range(len(arm))]
            noise = -arm.log_probs.reshape(-1, 7)[: len(one)]
            assert np.array_equal(noise, -one.log_probs)

    @pytest.mark.parametrize("chunk", [2, 8])
    def test_success_inside_a_chunk_ends_it_and_keeps_its_reward(self, chunk: int) -> None:
        arm = played(chunk, [5, None, None, None]).trajectories[0]
        assert (arm.ending, arm.control_steps) == (Ending.SUCCESS, 5)
        assert arm.rewards.sum() == pytest.approx((1 + 2 + 3 + 4 + 5) / 1000)

    @settings(max_examples=40, deadline=None)
    @given(ends=fates, chunk=st.sampled_from([1, 2, 8]))
    def test_a_synchronous_stop_comes_after_the_decision_of_the_first_success(
        self, ends: list[int | None], chunk: int
    ) -> None:
        first = min((end for end in ends if end is not None), default=MAX_STEPS)
        decisions = -(-first // chunk)
        for end, arm in zip(ends, played(chunk, ends, "synchronous").trajectories, strict=True):
            in_time = end is not None and -(-end // chunk) == decisions
            cut = first < MAX_STEPS and any(end is not None for end in ends)
            executed = min(chunk * decisions, MAX_STEPS)
            assert len(arm) == decisions
            assert arm.control_steps == (end if in_time else executed)
            if in_time:
                assert arm.ending is Ending.SUCCESS
            else:
                assert arm.ending is (
                    Ending.CUT if cut and executed < MAX_STEPS else Ending.TIMEOUT
                )


class TestEvaluation:
    @settings(max_examples=30, deadline=None)
    @given(ends=fates, chunk=st.sampled_from([2, 8, 20]))
    def test_steps_are_control_steps(self, ends: list[int | None], chunk: int) -> None:
        def outcomes(chunk: int) -> tuple[Outcome, ...]:
            pool = ScriptedPool(
                2, 2, lambda assignment, _: Script(ends[assignment.state.index]), stages=False
            )
            states = tuple(make_state(index, "test") for index in range(4))
            job = EvaluationJob(make_task(max_steps=MAX_STEPS), states)
            return evaluate(EchoPolicy(chunk), pool, [job], batch_size=2).tasks[0].outcomes

        assert outcomes(chunk) == outcomes(1)
        assert [item.native_success_step for item in outcomes(chunk)] == ends


class TestLearning:
    def test_a_demonstration_shows_the_next_actions_and_holds_on_to_its_last(self) -> None:
        single = actions.encode(np.linspace(-0.9, 0.9, 5)[:, None].repeat(7, axis=1))
        tokens = actions.split_actions(demonstrated_chunks(single, 3))
        wanted = [[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 4], [4, 4, 4]]
        assert np.array_equal(tokens, single[wanted])
        assert np.array_equal(demonstrated_chunks(single, 1), single)

    @any_chunk
    def test_a_critic_s_clock_counts_control_steps(self, chunk: int) -> None:
        policy = make_policy(chunk)
        (arm,) = group(policy, [0.0] * 4).trajectories
        critic = Critic(policy.reference(), CriticConfig(), LearnerConfig())
        time = critic._features(arm)[:, -1]
        assert time.tolist() == pytest.approx([0.0, 0.01 * chunk, 0.02 * chunk, 0.03 * chunk])


def told(moment: Moment) -> tuple[object, ...]:
    observation = moment.observation
    return observation.robot.tobytes(), observation.objects.tobytes(), moment.scores


@pytest.fixture(scope="module")
def task() -> Task:
    return find_task(MILK)


@pytest.fixture(scope="module")
def state(task: Task) -> InitialState:
    return load_states(task, "train")[0]


@pytest.fixture(scope="module")
def program() -> rewardlang.Program | None:
    file = ROOT / "tasks" / f"{MILK}.rl"
    return rewardlang.analyze(file.read_text(), name=str(file)).program


@pytest.mark.sim
class TestSimulator:
    @any_chunk
    def test_a_chunk_is_its_actions_one_after_the_other_until_success(
        self, task: Task, state: InitialState, program: rewardlang.Program, chunk: int
    ) -> None:
        shown = run_episode(Simulation(task), state).actions
        beyond = np.concatenate([shown, np.ones((chunk, 7))])
        slot, assignment = Slot(), Assignment(task, state, program, task.max_steps)
        single = [slot.begin(assignment), *(slot.step(action) for action in shown)]
        assert [moment.scores.success for moment in single].index(True) == len(shown)

        chunked = [slot.begin(assignment)]
        while not chunked[-1].scores.success:
            done = len(chunked) - 1
            chunked += slot.play(beyond[done : done + chunk])
        assert list(map(told, chunked)) == list(map(told, single))

    def test_nothing_is_drawn_but_what_the_next_decision_sees(
        self, task: Task, state: InitialState
    ) -> None:
        renderer = Renderer()
        slot = Slot(renderer=renderer)
        cameras = (Camera("agentview", 32, 32),)
        slot.begin(Assignment(task, state, None, 6, cameras))
        first, second = (slot.play(np.zeros((4, 7))) for _ in range(2))
        assert [len(moment.observation.images) for moment in first] == [0, 0, 0, 1]
        assert [len(moment.observation.images) for moment in second] == [0, 0]  # the last step
        slot.close()
        renderer.close()

    def test_the_command_trains_and_films_with_chunks(self, tmp_path: Path) -> None:
        done = tgrpo(begin(tmp_path, *EIGHT))
        assert done.returncode == 0, done.stderr
        run = the_run(tmp_path)
        checkpoint = run / "checkpoints" / "best.safetensors"
        assert load_policy(checkpoint)[0].chunk == 8
        rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        steps = [row["rollout/steps"] for row in rows if row["phase"] == "train"]
        assert steps == [25, 25]  # control steps, in four decisions
        judged = tgrpo(["eval", str(checkpoint), "--episodes", "1", "--video", str(tmp_path / "v")])
        assert judged.returncode == 0, judged.stderr
        assert len(list((tmp_path / "v").rglob("*.mp4"))) == 1

    @pytest.mark.full
    def test_a_killed_run_with_chunks_comes_to_the_same(self, tmp_path: Path) -> None:
        whole, broken = tmp_path / "whole", tmp_path / "broken"
        assert tgrpo(begin(whole, *EIGHT)).returncode == 0
        assert killed_while_writing(begin(broken, *EIGHT), 21).returncode == -signal.SIGKILL
        done = tgrpo(resume(the_run(broken)))
        assert done.returncode == 0, done.stderr
        assert_the_same(the_run(broken), the_run(whole))
