"""`benchmarks/experiments`: estimates on data whose answer is known, and tables of them."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rewardlang

FOLDER = Path(__file__).parents[2] / "benchmarks" / "experiments"
PROGRAMS = Path(__file__).parents[2] / "tasks"
OBJECT = tuple(
    f"pick_up_the_{thing}_and_place_it_in_the_basket"
    for thing in (
        "bbq_sauce",
        "chocolate_pudding",
        "cream_cheese",
        "orange_juice",
        "salad_dressing",
    )
)


def module(name: str) -> Any:
    """One of the benchmark's modules, which find each other in its folder."""
    sys.path.insert(0, str(FOLDER))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(FOLDER))


@pytest.fixture(scope="module")
def estimates() -> Any:
    return module("estimates")


@pytest.fixture(scope="module")
def definitions() -> Any:
    return module("definitions")


def test_an_interval_holds_the_truth_about_as_often_as_it_says(estimates: Any) -> None:
    rng, held, rounds = np.random.default_rng(3), 0, 60
    for _ in range(rounds):
        rates = np.clip(rng.normal(0.6, 0.1, 8), 0, 1)  # a rate for each seed
        values = rng.random((8, 2, 20)) < rates[:, None, None]
        found = estimates.bootstrap(values.astype(float), samples=600)
        held += found.low <= 0.6 <= found.high
    assert 0.8 * rounds <= held  # percentile intervals of eight seeds are somewhat too narrow


def test_no_difference_at_all_has_no_width_and_p_one(estimates: Any) -> None:
    found = estimates.bootstrap(np.zeros((3, 2, 10)))
    assert (found.value, found.low, found.high, found.p) == (0.0, 0.0, 0.0, 1.0)


def test_a_difference_in_every_state_has_the_smallest_p_there_is(estimates: Any) -> None:
    found = estimates.bootstrap(np.ones((3, 2, 10)), samples=999)
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)
    assert found.p == pytest.approx(2 / 1000)


def test_the_interval_of_seeds_that_differ_is_wider_than_that_of_their_states(
    estimates: Any,
) -> None:
    rng = np.random.default_rng(0)
    alike = (rng.random((4, 1, 100)) < 0.5).astype(float)
    apart = np.repeat([0.0, 1.0, 0.0, 1.0], 100).reshape(4, 1, 100)
    narrow, wide = estimates.bootstrap(alike), estimates.bootstrap(apart)
    assert wide.high - wide.low > 3 * (narrow.high - narrow.low)


def test_holm_by_hand(estimates: Any) -> None:
    adjusted = estimates.holm({"a": 0.01, "b": 0.04, "c": 0.03})
    assert adjusted == pytest.approx({"a": 0.03, "c": 0.06, "b": 0.06})


@given(st.dictionaries(st.text(max_size=3), st.floats(0, 1), max_size=6))
def test_holm_keeps_the_order_and_never_makes_a_p_smaller(p: Mapping[str, float]) -> None:
    adjusted = module("estimates").holm(p)
    assert all(p[name] <= adjusted[name] <= 1.0 for name in p)
    for a in p:
        assert all(adjusted[a] <= adjusted[b] for b in p if p[a] < p[b])


def evaluated(tasks: Sequence[str], rate: float) -> dict[str, Any]:
    """An evaluation as it is written, with `rate` of each task's twenty states solved."""
    rows = [{"success": state < 20 * rate} for state in range(20)]
    return {"tasks": [{"task": task, "outcomes": rows} for task in tasks]}


def results_file(folder: Path, rates: Mapping[str, float], tasks: Sequence[str] = OBJECT) -> None:
    """As `tgrpo train` writes it."""
    folder.mkdir(parents=True)
    (folder / "results.json").write_text(
        json.dumps(
            {
                "candidates": {name: evaluated(tasks, rate) for name, rate in rates.items()},
                "validation": {"0": rates["sft"], "20": rates["last"]},
                "seconds": {"wall": 1.0},
            }
        )
    )


def summary(runs: Path, *options: str, experiment: str = "table") -> tuple[str, dict[str, Any]]:
    command = [sys.executable, str(FOLDER), experiment, "--summary", "--runs", str(runs), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    *table, last = done.stdout.splitlines()
    return "\n".join(table), json.loads(last)


def test_what_is_finished_stands_in_the_table_and_the_rest_as_not_run(tmp_path: Path) -> None:
    for seed, gain in ((0, 0.2), (1, 0.4)):
        seeds = tmp_path / "table" / "libero_object"
        folder = seeds / f"seed{seed}" / "tgrpo" / "20260101-000000-5-tasks"
        results_file(folder, {"sft": 0.5, "last": 0.5 + gain, "best": 0.9})
    # The start's own results are of validation states and of another shape.
    start = tmp_path / "table" / "libero_object" / "seed0" / "sft" / "20260101-000000-sft"
    start.mkdir(parents=True)
    (start / "results.json").write_text("{}")
    table, line = summary(tmp_path, "--plot", str(tmp_path / "table.png"))
    rows = rows_of(table)
    assert "| SFT | not run | not run | 0 | 50.0 (" in rows["SFT"]
    assert "| TGRPO | not run | not run | 0 | 80.0 (" in rows["TGRPO"]
    assert rows["PPO"] == f"| PPO |{' not run | not run | 0 |' * 4}"
    assert "| TGRPO − SFT | +30.0 (" in rows["TGRPO − SFT"]
    value, low, high, p, seeds = line["differences"]["libero_object"]["last"]["TGRPO - SFT"]
    assert (value, seeds) == (pytest.approx(0.3), 2)
    assert low < value < high
    assert p < 0.01
    assert {(row["method"], row["seed"]) for row in line["trials"]} == {
        ("SFT", 0),
        ("SFT", 1),
        ("TGRPO", 0),
        ("TGRPO", 1),
    }
    assert (tmp_path / "table.png").read_bytes().startswith(b"\x89PNG")


def rows_of(table: str) -> dict[str, str]:
    """Rows by their first cell; of several that begin alike the last."""
    return {row.split(" | ")[0].strip("| "): row for row in table.splitlines() if " | " in row}


def test_the_table_has_every_method_on_all_four_suites(tmp_path: Path) -> None:
    table, line = summary(tmp_path)
    head, rule, *rows = table.strip().splitlines()
    suites = ["libero_spatial", "libero_object", "libero_goal", "libero_10"]
    assert [cell.removesuffix(", last") for cell in head.split(" | ") if "libero" in cell] == suites
    assert [row.split(" | ")[0].strip("| ") for row in rows] == [
        *("SFT", "DPO", "GRAPE", "GRPO sparse", "GRPO dense", "PPO", "TGRPO"),
        "TGRPO with stages",
    ]
    assert {row.count("not run") for row in rows} == {8}
    assert rule.count("---") == head.count("|") - 1
    assert line["trials"] == []


def test_a_start_is_not_read_from_an_experiment_with_other_tasks(tmp_path: Path) -> None:
    seed = tmp_path / "table" / "libero_object" / "seed0"
    results_file(seed / "alpha" / "a", {"sft": 0.1, "last": 0.1, "best": 0.1}, OBJECT[:2])
    results_file(seed / "tgrpo" / "b", {"sft": 0.5, "last": 0.5, "best": 0.5})
    _, line = summary(tmp_path)
    sft = next(item for item in line["trials"] if item["method"] == "SFT")
    assert np.mean(sft["outcomes"]["last"]) == 0.5
    assert (sft["validation"], sft["seconds"]) == ({"0": 0.5}, {})  # the rest is the training's


def test_one_seed_is_no_test_of_a_difference(tmp_path: Path) -> None:
    seed = tmp_path / "table" / "libero_object" / "seed0"
    results_file(seed / "tgrpo" / "run", {"sft": 0.2, "last": 0.8, "best": 0.9})
    table, line = summary(tmp_path)
    assert "| TGRPO − SFT | +60.0 (" in rows_of(table)["TGRPO − SFT"]
    assert rows_of(table)["TGRPO − SFT"].count("one seed") == 2
    *_, p, seeds = line["differences"]["libero_object"]["last"]["TGRPO - SFT"]
    assert (p, seeds) == (None, 1)


def test_experiments_share_a_folder_where_they_share_starts_alone(definitions: Any) -> None:
    starts: dict[str, set[object]] = {}
    for experiment in definitions.EXPERIMENTS.values():
        trained = [suite for suite in experiment.suites if not suite.perturbs]
        starts.setdefault(experiment.folder, set()).add(tuple(trained))
    assert {folder: len(suites) for folder, suites in starts.items() if len(suites) > 1} == {}


def test_every_task_of_an_experiment_has_a_program_in_alphabetical_order(definitions: Any) -> None:
    for experiment in definitions.EXPERIMENTS.values():
        assert set(experiment.suites_here) <= {suite.name for suite in experiment.suites}
        assert set(experiment.here) <= {method.name for method in experiment.methods}
        for suite in experiment.suites:
            assert list(suite.tasks) == sorted(suite.tasks)
            for task in suite.tasks:
                assert (PROGRAMS / (suite.perturbs or suite.name) / f"{task}.rl").is_file()


def test_programs_of_the_four_modes_differ_in_their_shaping_alone(
    definitions: Any, tmp_path: Path
) -> None:
    reward, trials = definitions.EXPERIMENTS["reward"], module("trials")
    settings = trials.Settings(tmp_path, reward.common)
    reward.prepare(settings, reward.suites)
    [suite] = reward.suites
    bodies = {task: set() for task in suite.tasks}
    for method in (item for item in reward.methods if item.options):
        for task in suite.tasks:
            text = (settings.programs(method) / suite.name / f"{task}.rl").read_text()
            analysis = rewardlang.analyze(text)
            assert analysis.diagnostics == ()
            assert f"shaping {analysis.program.shaping}" == method.name
            bodies[task].add(text.rpartition("shaping ")[0])
    assert [len(texts) for texts in bodies.values()] == [1, 1]


def test_a_program_that_is_there_is_not_written_again(tmp_path: Path) -> None:
    shaping = module("shaping")
    task = "libero_goal/turn_on_the_stove"
    shaping.write_programs(tmp_path, [task])
    edited = tmp_path / "level" / f"{task}.rl"
    edited.write_text("edited")
    shaping.write_programs(tmp_path, [task])
    assert edited.read_text() == "edited"


def test_the_bad_programs_are_for_the_same_tasks_and_no_checker_minds_them(
    definitions: Any,
) -> None:
    experiment = definitions.EXPERIMENTS["bad_program"]
    [suite] = experiment.suites
    _, right, wrong = experiment.methods
    for task in suite.tasks:
        texts = [(item.programs / suite.name / f"{task}.rl").read_text() for item in (right, wrong)]
        good, bad = (rewardlang.analyze(text) for text in texts)
        assert good.diagnostics == bad.diagnostics == ()
        assert good.program.scene == bad.program.scene == f"{suite.name}/{task}"
        assert rewardlang.format_program(bad.tree) == texts[1]
    assert len(list(wrong.programs.rglob("*.rl"))) == len(suite.tasks)


def test_what_was_said_of_programs_stands_beside_their_rates(tmp_path: Path) -> None:
    task = "pick_up_the_bbq_sauce_and_place_it_in_the_basket"
    checks = [
        {"check": "end", "verdict": "failed"},
        {"check": "exploit", "verdict": "failed"},
        {"check": "exploit", "verdict": "failed"},
        {"check": "parity", "verdict": "passed"},
    ]
    said = {
        "check": "1 program: no errors, no warnings",
        "audit": {"counts": {"passed": 1, "failed": 3, "not measured": 0}, "checks": checks},
        "score": {
            "episodes": [
                {"success": True, "phi": [0.1, 0.25, 1.0]},
                {"success": False, "phi": [0.1, 0.9]},
            ],
            "summary": {"stages": {"reach": {"finished": 2}, "hold": {"finished": 0}}},
        },
    }
    file = tmp_path / "bad_program" / "examined" / "held-up" / f"{task}.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(said))
    table, line = summary(tmp_path, experiment="bad_program")
    assert (
        f"| held up | {task} | 1 program: no errors, no warnings | 1 passed, 3 failed, "
        "0 not measured | end, exploit | 1 of 2 | 0.25 | hold |"
    ) in table
    assert f"| right | {task} |{' not run |' * 6}" in table
    assert [(item["method"], item["task"]) for item in line["remarks"]] == [("held up", task)]


def test_perturbed_suites_stand_beside_the_one_that_their_policies_know(tmp_path: Path) -> None:
    results_file(
        tmp_path / "table" / "libero_object" / "seed0" / "tgrpo" / "run",
        {"sft": 0.5, "last": 0.8, "best": 0.9},
    )
    for suite, method, rate in (
        ("libero_object_swap", "sft", 0.1),
        ("libero_object_swap", "tgrpo", 0.3),
        ("libero_object_object", "tgrpo", 0.6),
    ):
        file = tmp_path / "table" / "perturbed" / suite / "seed0" / f"{method}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(evaluated(OBJECT, rate)))
    table, line = summary(tmp_path, experiment="generalisation")
    rates = {
        row.split(" | ")[0].strip("| "): re.findall(r"(not run|[\d.]+ \()", row)
        for row in table.split("\n\n")[1].splitlines()
    }
    assert rates["SFT"] == ["50.0 (", "10.0 (", "not run"]
    assert rates["TGRPO"] == ["80.0 (", "30.0 (", "60.0 ("]
    assert rates["PPO"] == ["not run"] * 3
    swap = line["differences"]["libero_object_swap"]["last"]["TGRPO - SFT"]
    assert swap[0] == pytest.approx(0.2)


def test_without_policies_of_the_table_there_is_nothing_to_evaluate(
    definitions: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluations, trials = module("evaluations"), module("trials")
    [suite] = [
        item
        for item in definitions.EXPERIMENTS["generalisation"].suites
        if "object_swap" in item.name
    ]
    (tmp_path / "perturbed" / "scenes").mkdir(parents=True)
    (tmp_path / "perturbed" / "scenes" / f"{suite.name}.json").write_text("{}")
    settings = trials.Settings(tmp_path, ())
    tgrpo = trials.Trial(suite, definitions.TGRPO, 3)
    evaluations.evaluate_all([tgrpo], settings)
    assert capsys.readouterr().err == (
        "no policy of TGRPO with seed 3 on libero_object: `table` makes it\n"
    )
    assert evaluations.read_evaluation(tgrpo, settings) is None


def test_a_quick_run_shares_no_folder_with_a_real_one(tmp_path: Path) -> None:
    results_file(
        tmp_path / "table" / "libero_object" / "seed0" / "tgrpo" / "run",
        {"sft": 0.5, "last": 0.8, "best": 0.9},
    )
    _, line = summary(tmp_path, "--quick")
    assert line["trials"] == []
    assert {len(suite["tasks"]) for suite in line["suites"].values()} == {1}


def test_an_unknown_method_is_named_with_the_known_ones() -> None:
    command = [sys.executable, str(FOLDER), "table", "--methods", "TGROP"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "--methods: TGROP is none of SFT, DPO, GRAPE" in done.stderr
