"""Whether a run can go on: its configuration, its rewards, its states, its lock; no simulator."""

from __future__ import annotations

import json
import os
import shutil
from datetime import datetime
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from tgrpo.capacity import cores
from tgrpo.checkpoint import CheckpointError
from tgrpo.cli.app import app
from tgrpo.config import TrainConfig
from tgrpo.layers import ConfigError, Layer, preset_layer, resolve
from tgrpo.metrics import MetricsWriter
from tgrpo.policies import make_policy
from tgrpo.programs import ProgramsError, select
from tgrpo.rollouts.evaluation import Evaluation, Outcome, TaskEvaluation
from tgrpo.training.result import Candidate, TrainingResult, read_result
from tgrpo.training.resuming import (
    ChangedRewardsError,
    NoRunError,
    open_run,
    resumed_config,
    resumed_programs,
)
from tgrpo.training.run_folder import RunFolder, RunInUseError
from tgrpo.training.run_record import (
    program_hashes,
    read_record,
    record_resumption,
    record_start,
    what_differs,
)
from tgrpo.training.run_state import (
    Evaluations,
    Mark,
    best_of,
    latest_state,
    save_state,
    superseded,
)
from tgrpo.trajectory import Ending

TASKS = Path(__file__).parents[2] / "tasks"
MILK = "libero_object/pick_up_the_milk_and_place_it_in_the_basket"
SMALL = {"width": 16, "layers": 1, "heads": 2, "head_width": 16, "word_width": 8}


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "mine" / "milk.rl"
    path.parent.mkdir()
    shutil.copy(TASKS / f"{MILK}.rl", path)
    return path


@pytest.fixture
def run(tmp_path: Path, program: Path) -> RunFolder:
    """A run that has only just begun."""
    values = {"rewards": str(program), "tasks.names": [MILK], "run_dir": str(tmp_path / "runs")}
    config = resolve([preset_layer("quickstart"), Layer("test", values)])
    folder = RunFolder.create(config.run_dir, "milk", datetime(2026, 1, 2, 3, 4, 5))
    used = select(config.rewards, config.tasks).used
    record_start(folder, config, [item.task for item in used], used)
    return folder


def config_of(run: RunFolder) -> TrainConfig:
    return resumed_config(run, [])


def edit(program: Path, old: str, new: str) -> None:
    text = program.read_text()
    assert old in text
    program.write_text(text.replace(old, new))


def outcome(*, success: bool) -> Outcome:
    ending = Ending.SUCCESS if success else Ending.TIMEOUT
    return Outcome("test", 0, success, ending, 12, False, 12 if success else None, 0.1 + 0.2, 3)


def evaluation(*, success: bool = True) -> Evaluation:
    done = TaskEvaluation(MILK, (outcome(success=success), outcome(success=False)), 5)
    return Evaluation((done,), {"wall": 1.5}, 1)


class TestWhichRun:
    def test_a_folder_that_is_none_names_the_nearest(self, run: RunFolder) -> None:
        typo = run.path.with_name("20260102-030405-mlik")
        with pytest.raises(NoRunError) as caught:
            open_run(typo)
        assert str(caught.value) == f"--resume {typo}: no such folder; did you mean {run.path}?"

    def test_the_folder_of_runs_is_none_itself(self, run: RunFolder) -> None:
        with pytest.raises(NoRunError) as caught:
            open_run(run.path.parent)
        wanted = f"no run (it has no run.json); did you mean {run.path}?"
        assert str(caught.value) == f"--resume {run.path.parent}: {wanted}"

    def test_a_run_of_an_earlier_version_says_what_it_is_good_for(self, run: RunFolder) -> None:
        record = read_record(run)
        run.record.write_text(json.dumps({"tasks": record["tasks"]}))
        with pytest.raises(NoRunError, match=r"kept nothing to go on from; .* --from .*/last\.saf"):
            open_run(run.path)

    def test_a_damaged_record_is_named(self, run: RunFolder) -> None:
        run.record.write_text("{")
        with pytest.raises(NoRunError, match=r"run\.json: damaged: "):
            open_run(run.path)

    def test_two_processes_do_not_write_to_one_run(self, run: RunFolder) -> None:
        with (
            run.locked(),
            pytest.raises(RunInUseError, match=f"process {os.getpid()} on .* is writing to this"),
            run.locked(),
        ):
            pass
        with run.locked():
            pass


class TestConfiguration:
    def test_it_is_the_runs_own(self, run: RunFolder) -> None:
        config = config_of(run)
        assert config.tasks.names == (MILK,)
        assert config == resumed_config(run, [Layer("options", {"seed": 0, "iterations": 20})])

    def test_what_decides_no_number_may_change(self, run: RunFolder) -> None:
        layer = Layer("options", {"iterations": 30, "workers": 1, "keep_checkpoints": 5})
        config = resumed_config(run, [layer])
        assert (config.iterations, config.workers, config.keep_checkpoints) == (30, 1, 5)

    def test_whatever_else_is_refused_all_at_once(self, run: RunFolder) -> None:
        layers = [Layer("options", {"seed": 4}), Layer("--set", {"learner.clip": 0.3})]
        with pytest.raises(ConfigError) as caught:
            resumed_config(run, layers)
        first, second = (str(item) for item in caught.value.mistakes)
        assert first.startswith("options: seed: the run has 0, with 4 it would be another run; ")
        assert second.startswith("--set: learner.clip: the run has 0.2, with 0.3 it would be")
        assert f"tgrpo train --config {run.config} begins another with the same settings" in first

    def test_iterations_that_are_done_cannot_be_undone(self, run: RunFolder) -> None:
        run.state(12).parent.mkdir()
        run.state(12).touch()
        with pytest.raises(ConfigError, match="has done 12 iterations already, 8 are fewer"):
            resumed_config(run, [Layer("options", {"iterations": 8})])


class TestRewards:
    def test_unchanged_ones_are_taken_as_they_are(self, run: RunFolder, program: Path) -> None:
        (used,), notes = resumed_programs(run, None, accept=False)
        assert (used.path, used.task.id, notes) == (program, MILK, ())

    def test_an_edited_one_is_asked_for(self, run: RunFolder, program: Path) -> None:
        edit(program, "weight 2", "weight 4")
        with pytest.raises(ChangedRewardsError) as caught:
            resumed_programs(run, None, accept=False)
        own = run.program(MILK)
        assert str(caught.value).splitlines() == [
            "the rewards were edited since this run began:",
            f"  {program}",
            f"    what changed: rewardlang diff {own} {program}",
            f"to go on with the edited ones: tgrpo train --resume {run.path} --accept-new-rewards",
            "to go on with those it began with: "
            f"tgrpo train --resume {run.path} --rewards {run.path}/programs",
        ]

    def test_both_ways_to_go_on_are_ways(self, run: RunFolder, program: Path) -> None:
        text = program.read_text()
        edit(program, "weight 2", "weight 4")
        (own,), _ = resumed_programs(run, run.path / "programs", accept=False)
        assert own.text == text
        (edited,), notes = resumed_programs(run, None, accept=True)
        assert edited.text == program.read_text()
        assert notes == (f"from now on rewarded by the edited {program}",)

    def test_comments_and_spaces_change_nothing(self, run: RunFolder, program: Path) -> None:
        edit(program, "object milk", "# a comment\n\nobject   milk")
        (used,), notes = resumed_programs(run, None, accept=False)
        assert (used.path, notes) == (run.program(MILK), ())

    def test_one_that_is_gone_is_in_the_run(self, run: RunFolder, program: Path) -> None:
        program.unlink()
        (used,), notes = resumed_programs(run, None, accept=False)
        assert used.path == run.program(MILK)
        assert notes == (f"{program} is gone: the run's own copy is used",)

    def test_a_broken_one_leaves_the_runs_own(self, run: RunFolder, program: Path) -> None:
        edit(program, "near(gripper, milk)", "near(gripper, milc)")
        with pytest.raises(ProgramsError, match="unknown-object") as caught:
            resumed_programs(run, None, accept=False)
        assert caught.value.__notes__ == [
            "to go on with the programs as they were: "
            f"tgrpo train --resume {run.path} --rewards {run.path}/programs"
        ]

    def test_accepted_ones_take_their_place_and_the_old_ones_stay(
        self, run: RunFolder, program: Path
    ) -> None:
        text = program.read_text()
        edit(program, "weight 2", "weight 4")
        edited, _ = resumed_programs(run, None, accept=True)
        record_resumption(run, config_of(run), edited, 3)
        assert run.program(MILK).read_text() == program.read_text()
        kept = run.path / "replaced_programs" / "until-00003" / f"{MILK}.rl"
        assert kept.read_text() == text
        record = read_record(run)
        assert record["program_hashes"] == program_hashes(edited)
        assert [item["after_iteration"] for item in record["resumed"]] == [3]
        assert resumed_programs(run, None, accept=False) == (edited, ())


def test_other_versions_are_told(run: RunFolder) -> None:
    record = read_record(run)
    assert what_differs(record) == []
    record["versions"] |= {"torch": "1.0", "gone": "2"}
    record["versions"].pop("numpy")
    record["machine"]["cores"] = 4096
    told = ", ".join(what_differs(record))
    assert f"cores 4096 → {cores()}" in told
    assert "numba" in record["versions"]
    assert f"torch 1.0 → {torch.__version__.partition('+')[0]}" in told
    assert "gone 2 → missing" in told
    assert "numpy missing → " in told


class TestStates:
    def save(self, run: RunFolder, *iterations: int) -> None:
        for iteration in iterations:
            policy = make_policy("tiny", seed=iteration, architecture=SMALL)
            mark = Mark(iteration, 10 * iteration, {"wall": 0.5}, {MILK: "hash"})
            save_state(run, policy, {"updates": torch.tensor(iteration)}, mark)

    def test_the_newest_is_found_with_everything(self, run: RunFolder) -> None:
        assert latest_state(run, pytest.fail) is None
        self.save(run, 0, 1, 2)
        state = latest_state(run, pytest.fail)
        assert state is not None
        assert state.mark == Mark(2, 20, {"wall": 0.5}, {MILK: "hash"})
        assert state.learner == {"updates": torch.tensor(2)}
        expected = make_policy("tiny", seed=0, architecture=SMALL).state_dict()
        reference = state.reference.state_dict()
        assert all(torch.equal(reference[name], expected[name]) for name in expected)
        assert run.checkpoint("last").samefile(run.state(2))

    def test_a_damaged_one_is_told_and_the_one_before_is_taken(self, run: RunFolder) -> None:
        self.save(run, 0, 1, 2)
        run.state(2).write_bytes(run.state(2).read_bytes()[:5000])
        told: list[str] = []
        state = latest_state(run, told.append)
        assert state is not None
        assert state.mark.iteration == 1
        (line,) = told
        assert line.startswith(f"not usable: {run.state(2)}: expected a checkpoint in safetensors")
        assert line.endswith("; going on after iteration 1")
        assert run.iterations() == [1]

    def test_a_damaged_anchor_before_the_first_iteration_is_made_again(
        self, run: RunFolder
    ) -> None:
        self.save(run, 0)
        run.state(0).write_bytes(b"")
        told: list[str] = []
        assert latest_state(run, told.append) is None
        assert told[0].endswith("; beginning again")

    def test_without_the_anchor_nothing_that_was_learned_is_removed(self, run: RunFolder) -> None:
        self.save(run, 0, 1, 2)
        for damage in (lambda: run.state(0).write_bytes(b""), run.state(0).unlink):
            damage()
            with pytest.raises(CheckpointError) as caught:
                latest_state(run, pytest.fail)
            reason, way_out = str(caught.value).splitlines()
            assert reason.startswith(f"{run.state(0)}: ")
            assert f"{run.state(0)}, the run cannot go on after iteration 2" in way_out
            assert way_out.endswith(f"tgrpo train --from {run.state(2)}")
            assert run.iterations() == [2, 1]


SCORES = st.dictionaries(
    st.integers(0, 20), st.tuples(st.sampled_from([0.0, 0.5, 1.0]), st.floats(0, 1)), min_size=1
)


@given(SCORES, st.integers(1, 4))
def test_what_is_kept_is_enough_to_go_on_from(
    scores: dict[int, tuple[float, float]], keep: int
) -> None:
    left: list[int] = []
    for iteration in range(1, 21):
        left.append(iteration)
        so_far = {number: value for number, value in scores.items() if number <= iteration}
        left = [item for item in left if item not in superseded(left, so_far, keep)]
        assert left[-keep:] == list(range(max(1, iteration - keep + 1), iteration + 1))
        assert len(left) <= 2 * keep
        for start in left[-keep:]:
            until = {number: value for number, value in scores.items() if number <= start}
            assert not until or best_of(until) in {0, *left}


def test_the_best_is_by_success_then_phi_then_the_later() -> None:
    assert best_of({0: (0.5, 0.9), 1: (0.6, 0.1)}) == 1
    assert best_of({0: (0.5, 0.9), 1: (0.5, 0.1)}) == 0
    assert best_of({0: (0.5, 0.9), 5: (0.5, 0.9)}) == 5


class TestEvaluations:
    def test_what_is_finished_is_read_back_exactly(self, run: RunFolder) -> None:
        Evaluations(run, {MILK: "a"}).write("validation", 5, evaluation())
        assert Evaluations(run, {MILK: "a"}).read("validation", 5) == evaluation()
        assert Evaluations(run, {MILK: "a"}).read("test", 5) is None
        assert Evaluations(run, {MILK: "edited"}).read("validation", 5) is None

    def test_a_damaged_file_is_none(self, run: RunFolder) -> None:
        evaluations = Evaluations(run, {MILK: "a"})
        evaluations.write("test", 0, evaluation())
        path = run.evaluations / "test-00000.json"
        path.write_text(path.read_text()[:100])
        assert evaluations.read("test", 0) is None

    def test_those_of_later_iterations_are_forgotten(self, run: RunFolder) -> None:
        evaluations = Evaluations(run, {MILK: "a"})
        for iteration in (0, 5, 10):
            evaluations.write("validation", iteration, evaluation(success=iteration > 0))
        evaluations.forget_after(5)
        assert list(evaluations.until("validation", 20)) == [0, 5]
        assert list(evaluations.until("validation", 4)) == [0]


class TestMetrics:
    def test_kept_lines_stay_and_what_follows_them_goes(self, tmp_path: Path) -> None:
        with MetricsWriter(tmp_path) as metrics:
            for step in (1, 2, 3):
                metrics.write("train", step, {"a": step / 3, "b": float("nan")})
        path = tmp_path / "metrics.jsonl"
        with path.open("a") as file:
            file.write('{"half')
        before = path.read_text().splitlines()
        with MetricsWriter(tmp_path, keep=2) as metrics:
            assert metrics.lines == 2
            metrics.write("train", 3, {"a": 1.0})
        lines = path.read_text().splitlines()
        assert lines[:2] == before[:2]
        assert [json.loads(line)["step"] for line in lines] == [1, 2, 3]
        assert json.loads(lines[2])["seconds"] >= json.loads(before[1])["seconds"]
        assert len(list((tmp_path / "events").iterdir())) == 1


def finish(run: RunFolder) -> TrainingResult:
    tested = [
        Candidate(name, 20 * (name != "sft"), evaluation()) for name in ("sft", "last", "best")
    ]
    result = TrainingResult(run, tuple(tested), {0: 0.5, 20: 0.5}, {})
    run.results.write_text(json.dumps(result.as_json()))
    return result


def test_a_result_is_read_back(run: RunFolder) -> None:
    assert read_result(run) is None
    assert finish(run) == read_result(run)
    run.results.write_text(run.results.read_text()[:-10])
    assert read_result(run) is None


class TestCommand:
    def invoke(self, *arguments: str | Path) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["train", *map(str, arguments)])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result.exit_code, result.output

    def test_a_finished_run_says_so_and_shows_its_table(self, run: RunFolder) -> None:
        finish(run)
        code, text = self.invoke("--resume", run.path)
        assert code == 0
        assert "last (iteration 20)" in text
        assert (
            f"{run.path} is finished: nothing is left to do. --iterations N, more than 20" in text
        )

    def test_mistakes_are_messages(self, run: RunFolder, program: Path) -> None:
        code, text = self.invoke("--resume", run.path / "x")
        assert (code, "no such folder" in text) == (1, True)
        code, text = self.invoke("--resume", run.path, "--seed", 3, "--task", "other")
        assert (code, "seed: the run has 0" in text, "tasks.names: the run" in text) == (
            2,
            True,
            True,
        )
        edit(program, "weight 2", "weight 4")
        code, text = self.invoke("--resume", run.path)
        assert (code, "--accept-new-rewards" in text) == (1, True)
        code, text = self.invoke("--accept-new-rewards")
        assert (code, "--accept-new-rewards is for --resume RUN" in text) == (2, True)
