"""The run as a whole: what is planned, which states it uses, and what it leaves behind."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from tgrpo.capacity import slots
from tgrpo.config import TrainConfig
from tgrpo.layers import Layer, file_layer, preset_layer, resolve
from tgrpo.metrics import MetricsWriter
from tgrpo.policies import load_policy
from tgrpo.programs import TaskProgram, select
from tgrpo.progress import Forecast, Phase, StageShares, Status
from tgrpo.simulation.initial_states import load_states
from tgrpo.tasks import Task
from tgrpo.training.planning import group_jobs, initial_rates, plan
from tgrpo.training.run_folder import RunFolder
from tgrpo.training.run_record import record_start
from tgrpo.training.trainer import train

TASKS = Path(__file__).parents[2] / "tasks"
MILK = "libero_object/pick_up_the_milk_and_place_it_in_the_basket"


def configuration(**values: object) -> TrainConfig:
    base = {"rewards": str(TASKS), "tasks.names": [MILK], "tasks.limit": None}
    given = {name.replace("__", "."): value for name, value in values.items()}
    return resolve([preset_layer("quickstart"), Layer("test", {**base, **given})])


def programs(config: TrainConfig) -> tuple[TaskProgram, ...]:
    return select(config.rewards, config.tasks).used


def tasks(config: TrainConfig) -> list[Task]:
    return [item.task for item in programs(config)]


class Log:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.statuses: list[Status] = []
        self.reached: list[Sequence[StageShares]] = []

    def status(self, status: Status) -> None:
        self.statuses.append(status)

    def stages(self, tasks: Sequence[StageShares]) -> None:
        self.reached.append(tasks)

    def note(self, text: str) -> None:
        self.notes.append(text)


class TestGroupJobs:
    def test_states_are_training_states_and_differ_between_groups(self) -> None:
        config = configuration(rollout__groups_per_iteration=6)
        jobs = group_jobs(config, programs(config), 1)
        assert [job.number for job in jobs] == list(range(6))
        firsts = [job.candidates[0].index for job in jobs]
        assert len(set(firsts)) == 6
        assert {state.split for job in jobs for state in job.candidates} == {"train"}
        for job in jobs:
            assert len({state.index for state in job.candidates}) == len(job.candidates) == 150

    def test_states_that_replace_a_group_are_no_other_group_s_first_choice(self) -> None:
        config = configuration(rollout__groups_per_iteration=6)
        jobs = group_jobs(config, programs(config), 1)
        tried = [[state.index for state in job.candidates[:10]] for job in jobs]
        assert len({index for states in tried for index in states}) == 60

    def test_they_are_keyed_by_seed_and_iteration(self) -> None:
        def firsts(seed: int, iteration: int) -> list[int]:
            config = configuration(seed=seed)
            return [
                job.candidates[0].index for job in group_jobs(config, programs(config), iteration)
            ]

        assert firsts(0, 1) == firsts(0, 1)
        assert firsts(0, 1) != firsts(0, 2)
        assert firsts(0, 1) != firsts(1, 1)

    def test_tasks_take_turns_also_across_iterations(self) -> None:
        names = [
            MILK,
            "libero_object/pick_up_the_butter_and_place_it_in_the_basket",
            "libero_spatial/pick_up_the_black_bowl_on_the_stove_and_place_it_on_the_plate",
        ]
        config = configuration(tasks__names=names, rollout__groups_per_iteration=4)
        played = [
            job.task.id
            for iteration in (1, 2, 3)
            for job in group_jobs(config, programs(config), iteration)
        ]
        assert {name: played.count(name) for name in names} == dict.fromkeys(names, 4)
        limits = {job.task.id: job.max_steps for job in group_jobs(config, programs(config), 1)}
        assert limits[names[0]] == 280
        assert limits[names[2]] == 220


class TestPlan:
    def test_it_holds_every_phase_of_the_run_in_order(self) -> None:
        config = configuration(iterations=3, evaluation__validate_every=2)
        names = [phase.name for phase in plan(config, tasks(config))]
        assert names == [
            *("demonstrate", "sft", "validate"),
            *("train", "train", "validate", "train", "validate"),
            *("test", "test", "test"),
        ]

    def test_a_checkpoint_takes_the_place_of_demonstrations_and_sft(self) -> None:
        config = configuration(iterations=0, start_from="x.safetensors")
        assert [phase.name for phase in plan(config, tasks(config))] == ["validate", "test"]

    def test_the_pool_has_room_for_all_groups_in_flight_and_for_an_evaluation(self) -> None:
        small = configuration(rollout__group_size=2, rollout__groups_in_flight=1)
        assert slots(small) == 2 * small.evaluation.batch_size
        large = configuration(rollout__group_size=8, rollout__groups_in_flight=5)
        assert slots(large) == 40


class TestForecast:
    def test_a_policy_that_sees_is_expected_to_be_slow(self) -> None:
        state, images = (
            initial_rates(configuration(policy__kind=kind, workers=1))["control steps"]
            for kind in ("tiny", "tiny-vision")
        )
        assert 5 < images < state / 10

    def test_before_anything_is_known_the_given_rates_hold(self) -> None:
        forecast = Forecast(
            [Phase("a", 100, "control steps"), Phase("b", 30, "gradient steps")],
            {"control steps": 10.0, "gradient steps": 3.0},
        )
        assert forecast.seconds_left() == pytest.approx(20.0)

    def test_a_phase_is_expected_to_repeat_itself(self, monkeypatch: pytest.MonkeyPatch) -> None:
        clock = [0.0]
        monkeypatch.setattr("tgrpo.progress.time.perf_counter", lambda: clock[0])
        phase = Phase("a", 100, "control steps")
        forecast = Forecast([phase] * 3, {"control steps": 10.0})
        forecast.begin("a")
        forecast.add(50)
        clock[0] = 40.0
        forecast.end()
        assert forecast.seconds_left() == pytest.approx(80.0)
        forecast.begin("a")
        forecast.add(25)
        clock[0] = 60.0
        assert forecast.seconds_left() == pytest.approx(20.0 + 40.0)
        status = forecast.status()
        assert (status.done, status.total, status.rate) == (25, 50, pytest.approx(1.25))

    def test_phases_that_do_not_happen_are_skipped(self) -> None:
        forecast = Forecast(
            [Phase("a", 100, "control steps"), Phase("b", 100, "control steps")],
            {"control steps": 10.0},
        )
        forecast.begin("b")
        assert forecast.seconds_left() == pytest.approx(10.0)


SMALL = {
    "iterations": 2,
    "workers": 2,
    "demonstrations__count": 2,
    "sft__steps": 60,
    "sft__batch_size": 64,
    "rollout__group_size": 3,
    "rollout__groups_per_iteration": 2,
    "rollout__max_steps": 40,
    "evaluation__validate_every": 1,
    "evaluation__validation_episodes": 1,
    "evaluation__test_episodes": 2,
    "evaluation__batch_size": 2,
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, TrainConfig, Log]:
    """A real run, as small as one can be."""
    config = configuration(run_dir=str(tmp_path_factory.mktemp("runs")), **SMALL)
    folder = RunFolder.create(config.run_dir, "milk", datetime(2026, 1, 2, 3, 4, 5))
    log = Log()
    train(config, programs(config), folder, log)
    return folder, config, log


@pytest.mark.sim
class TestRun:
    def test_the_folder_says_what_was_run(
        self, finished: tuple[RunFolder, TrainConfig, Log]
    ) -> None:
        folder, config, _ = finished
        assert folder.path.name == "20260102-030405-milk"
        assert resolve([file_layer(folder.path / "config.toml")]) == config
        run = json.loads((folder.path / "run.json").read_text())
        assert run["tasks"] == [MILK]
        assert run["programs"] == {MILK: str(TASKS / f"{MILK}.rl")}
        assert run["seeds"]["seed"] == 0
        assert {"python", "torch", "mujoco", "robosuite", "rewardlang"} <= set(run["versions"])
        kept = (folder.path / "programs" / f"{MILK}.rl").read_text()
        assert kept == (TASKS / f"{MILK}.rl").read_text()

    def test_metrics_are_json_lines_of_every_phase(
        self, finished: tuple[RunFolder, TrainConfig, Log]
    ) -> None:
        folder, _, _ = finished
        lines = [
            json.loads(line) for line in (folder.path / "metrics.jsonl").read_text().splitlines()
        ]
        steps = {
            phase: [line["step"] for line in lines if line["phase"] == phase]
            for phase in ("sft", "train", "validation", "test-sft", "test-last")
        }
        assert steps["sft"] == [20, 40, 60]
        assert steps["train"] == [1, 2]
        assert steps["validation"] == [0, 1, 2]
        assert (steps["test-sft"], steps["test-last"]) == ([0], [2])
        first = next(line for line in lines if line["phase"] == "train")
        wanted = {
            "rollout/success",
            "rollout/cut",
            "rollout/stage",
            "rollout/unstable",
            "rollout/workers_replaced",
            "rollout/steps_per_second",
            "seconds/physics",
            "seconds/reward",
            "seconds/policy",
            "seconds/transport",
            "seconds/update",
            "seconds/idle",
            "advantage/groups_without_signal",
        }
        assert wanted <= set(first)
        assert list((folder.path / "events").glob("events.out.tfevents.*"))

    def test_checkpoints_are_whole_and_training_moved_the_policy(
        self, finished: tuple[RunFolder, TrainConfig, Log]
    ) -> None:
        folder, _, _ = finished
        names = sorted(path.name for path in (folder.path / "checkpoints").iterdir())
        numbered = ["iteration-00001.safetensors", "iteration-00002.safetensors"]
        assert names == ["best.safetensors", *numbered, "last.safetensors", "sft.safetensors"]
        sft, stored = load_policy(folder.checkpoint("sft"))
        last, _ = load_policy(folder.checkpoint("last"))
        assert (stored.extra["iteration"], stored.extra["tasks"]) == (0, [MILK])
        before, after = sft.state_dict(), last.state_dict()
        assert any(not np.array_equal(before[name], after[name]) for name in before)

    def test_results_hold_three_policies_on_the_same_test_states(
        self, finished: tuple[RunFolder, TrainConfig, Log]
    ) -> None:
        folder, _, _ = finished
        results = json.loads(folder.results.read_text())
        assert list(results["candidates"]) == ["sft", "last", "best"]
        for candidate in results["candidates"].values():
            (task,) = candidate["tasks"]
            assert task["task"] == MILK
            assert [item["state_index"] for item in task["outcomes"]] == [0, 1]
            assert {item["split"] for item in task["outcomes"]} == {"test"}
            assert all(item["steps"] <= 280 for item in task["outcomes"])
        assert set(results["gain_over_sft"]) == {"last", "best"}
        assert set(results["validation"]) == {"0", "1", "2"}

    def test_demonstrations_are_kept_and_nothing_is_half_written(
        self, finished: tuple[RunFolder, TrainConfig, Log]
    ) -> None:
        folder, _, _ = finished
        assert folder.demonstrations(MILK).stat().st_size > 0
        left = [path.name for path in folder.path.rglob("*") if path.suffix in {".part", ".tmp"}]
        assert left == []

    def test_progress_was_told_all_along(
        self, finished: tuple[RunFolder, TrainConfig, Log]
    ) -> None:
        _, _, log = finished
        phases = list(dict.fromkeys(status.phase for status in log.statuses))
        assert phases == ["demonstrate", "sft", "validate", "train", "test"]
        assert all(status.seconds_left >= 0 for status in log.statuses)
        assert log.statuses[-1].done == log.statuses[-1].total
        assert [[item.task for item in tasks] for tasks in log.reached] == [[MILK], [MILK]]
        (note,) = (note for note in log.notes if note.startswith("iteration 2/2: success "))
        first, second = note.splitlines()
        assert "steps/s" in first
        shown = ("policy", "transport", "update", "physics", "reward", "idle")
        assert all(f" {name} " in second for name in shown)

    def test_the_run_can_be_started_from_its_own_checkpoint_and_repeats_itself(
        self, finished: tuple[RunFolder, TrainConfig, Log], tmp_path: Path
    ) -> None:
        folder, _, _ = finished
        values = {**SMALL, "iterations": 1, "workers": 1, "start_from": folder.checkpoint("sft")}
        config = configuration(run_dir=str(tmp_path), **values)
        again = RunFolder.create(config.run_dir, "again", datetime.now())
        train(config, programs(config), again, Log())
        lines = [
            next(
                json.loads(line)
                for line in (run.path / "metrics.jsonl").read_text().splitlines()
                if json.loads(line)["phase"] == "train"
            )
            for run in (folder, again)
        ]
        for name in ("rollout/return", "rollout/phi", "advantage/mean_abs", "rollout/steps"):
            assert lines[0][name] == lines[1][name]


def test_metrics_are_strict_json_also_where_a_number_is_not_finite(tmp_path: Path) -> None:
    with MetricsWriter(tmp_path) as metrics:
        metrics.write("train", 3, {"a": 0.5, "b": float("nan"), "c": float("inf")})
    (line,) = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert "NaN" not in line
    row = json.loads(line)
    assert (row["phase"], row["step"], row["a"], row["b"], row["c"]) == (
        "train",
        3,
        0.5,
        None,
        None,
    )


def test_two_runs_of_one_second_get_two_folders(tmp_path: Path) -> None:
    now = datetime(2026, 1, 2, 3, 4, 5)
    first, second = (RunFolder.create(tmp_path / "runs", "x", now) for _ in range(2))
    assert first.path.name == "20260102-030405-x"
    assert second.path.name == "20260102-030405-x-2"


def test_the_configuration_in_a_folder_is_toml(tmp_path: Path) -> None:
    config = configuration(run_dir=str(tmp_path))
    folder = RunFolder.create(tmp_path, "x", datetime.now())
    chosen = programs(config)
    record_start(folder, config, [item.task for item in chosen], chosen)
    table = tomllib.loads((folder.path / "config.toml").read_text())
    assert table["rollout"]["group_size"] == config.rollout.group_size


def test_load_states_gives_three_disjoint_sets() -> None:
    config = configuration()
    task = programs(config)[0].task
    sets = {split: load_states(task, split) for split in ("train", "validation", "test")}
    vectors = [state.qpos.tobytes() for states in sets.values() for state in states]
    assert len(set(vectors)) == len(vectors) == 250
