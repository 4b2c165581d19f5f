"""`benchmarks/experiments`: estimates on data whose answer is known, and tables of them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

FOLDER = Path(__file__).parents[2] / "benchmarks" / "experiments"


@pytest.fixture(scope="module")
def estimates() -> Any:
    sys.path.insert(0, str(FOLDER))
    try:
        import estimates
    finally:
        sys.path.remove(str(FOLDER))
    return estimates


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
    sys.path.insert(0, str(FOLDER))
    from estimates import holm

    adjusted = holm(p)
    assert all(p[name] <= adjusted[name] <= 1.0 for name in p)
    for a in p:
        assert all(adjusted[a] <= adjusted[b] for b in p if p[a] < p[b])


def results_file(folder: Path, rates: Mapping[str, float]) -> None:
    """As `tgrpo train` writes it, with `rates` of five tasks' twenty states solved."""
    outcomes = {
        name: [[{"success": state < 20 * rate} for state in range(20)] for _ in range(5)]
        for name, rate in rates.items()
    }
    folder.mkdir(parents=True)
    (folder / "results.json").write_text(
        json.dumps(
            {
                "candidates": {
                    name: {"tasks": [{"outcomes": rows} for rows in tasks]}
                    for name, tasks in outcomes.items()
                },
                "validation": {"0": rates["sft"], "20": rates["last"]},
                "seconds": {"wall": 1.0},
            }
        )
    )


def summary(runs: Path, *options: str) -> tuple[str, dict[str, Any]]:
    command = [sys.executable, str(FOLDER), "table", "--summary", "--runs", str(runs), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    *table, last = done.stdout.splitlines()
    return "\n".join(table), json.loads(last)


def test_what_is_finished_stands_in_the_table_and_the_rest_as_not_run(tmp_path: Path) -> None:
    for seed, gain in ((0, 0.2), (1, 0.4)):
        folder = tmp_path / "libero_object" / f"seed{seed}" / "tgrpo" / "20260101-000000-5-tasks"
        results_file(folder, {"sft": 0.5, "last": 0.5 + gain, "best": 0.9})
    # The start's own results are of validation states and of another shape.
    start = tmp_path / "libero_object" / "seed0" / "sft" / "20260101-000000-sft"
    start.mkdir(parents=True)
    (start / "results.json").write_text("{}")
    table, line = summary(tmp_path, "--plot", str(tmp_path / "table.png"))
    rows = {row.split(" | ")[0].strip("| "): row for row in table.splitlines() if " | " in row}
    assert "| SFT | 50.0 (" in rows["SFT"]
    assert "| TGRPO | 80.0 (" in rows["TGRPO"]
    assert rows["PPO"] == "| PPO | not run | not run | 0 | not run | not run | 0 |"
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


def test_an_unknown_method_is_named_with_the_known_ones() -> None:
    command = [sys.executable, str(FOLDER), "table", "--methods", "TGROP"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "--methods: TGROP is none of SFT, DPO, GRAPE" in done.stderr
