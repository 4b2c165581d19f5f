"""Is compiled success LIBERO's own? Every task's goal, on states around every threshold.

    python benchmarks/native_parity.py [--suites libero_goal libero_goal_swap] [--workers 2]

Asks LIBERO's tests and ours about the same simulator states: per goal atom at least 200 true and
200 false ones, 100 of each within 1 cm (or 2 % of a joint's range) of where the answer changes,
under two placements of the fixtures. Each task has a process of its own. What was compared is kept
in the file of `--out`, and only tasks that are not in it, or that failed, run again. Prints a table
by suite, what differs and what is short of the quota; the last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path

import numpy as np

from tgrpo.files import replace_file
from tgrpo.libero_package import versions
from tgrpo.parity.answers import COUNTED, Quota
from tgrpo.parity.comparison import bddl_task, bddl_tasks, compare_task
from tgrpo.tasks import UnknownTaskError, suites

RESULTS = Path(__file__).parents[1] / "docs" / "results" / "native_parity.json"
PERTURBED = [
    f"{suite}_{kind}"
    for kind in ("swap", "task")
    for suite in ("libero_spatial", "libero_object", "libero_goal", "libero_10")
]
LIMIT = 1800  # s, for one task on a busy machine
HEAD = ("tasks", "failed", "atoms", "conjunctions", "states", *COUNTED, "differences", "short")


# --- one task, in a process of its own -----------------------------------------------------------


def one(task_id: str, quota: Quota, seed: int) -> dict:
    """What was found about a task, as JSON has it."""
    began = time.process_time()
    found = compare_task(bddl_task(task_id), quota, seed)
    goals = [{**asdict(item), "short": item.missing(quota)} for item in found]
    return {"task": task_id, "cpu_s": round(time.process_time() - began, 1), "goals": goals}


def run(task_id: str, arguments: argparse.Namespace) -> dict:
    """The same in a fresh process; a failure of any kind is a result, too."""
    command = [sys.executable, __file__, "--one", task_id, "--seed", str(arguments.seed)]
    command += ["--each", str(arguments.each), "--near", str(arguments.near)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
    except subprocess.TimeoutExpired:
        return {"task": task_id, "failed": f"no answer within {LIMIT} s"}
    if done.returncode:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        return {"task": task_id, "failed": f"{last} (exit code {done.returncode})"}
    return json.loads(done.stdout.splitlines()[-1])


# --- all of them ---------------------------------------------------------------------------------


def settings(arguments: argparse.Namespace) -> dict:
    """What must be the same for earlier results to count."""
    return {
        "each": arguments.each,
        "near": arguments.near,
        "seed": arguments.seed,
        "versions": {"python": platform.python_version(), **versions()},
    }


def earlier(path: Path, wanted: dict) -> dict[str, dict]:
    """Results of an earlier run with the same settings, by task."""
    if not path.is_file():
        return {}
    kept = json.loads(path.read_text())
    if kept["settings"] != wanted:
        return {}
    return {item["task"]: item for item in kept["tasks"]}


def keep(path: Path, wanted: dict, results: dict[str, dict]) -> None:
    tasks = [results[name] for name in sorted(results)]
    lines = ",\n".join(json.dumps(task) for task in tasks)
    text = f'{{"settings": {json.dumps(wanted)},\n"tasks": [\n{lines}\n]}}\n'
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, lambda file: file.write_text(text))


def compare_all(task_ids: list[str], arguments: argparse.Namespace) -> dict[str, dict]:
    """Results by task; `--out` is complete after each of them."""
    wanted = settings(arguments)
    results = earlier(arguments.out, wanted)
    waiting = [name for name in task_ids if "goals" not in results.get(name, {})]
    print(f"{len(waiting)} of {len(task_ids)} tasks to compare", flush=True)
    with ThreadPoolExecutor(arguments.workers) as pool:
        running = [pool.submit(run, name, arguments) for name in waiting]
        for number, future in enumerate(as_completed(running), 1):
            result = future.result()
            results[result["task"]] = result
            keep(arguments.out, wanted, results)
            told = result.get("failed") or f"{result['cpu_s']} s of CPU"
            print(f"{number}/{len(waiting)} {result['task']}: {told}", flush=True)
    return {name: results[name] for name in task_ids}


# --- the tables ----------------------------------------------------------------------------------


def summary(results: Iterable[dict]) -> dict[str, int]:
    """Sums over tasks. `short`: atoms and conjunctions that miss a part of the quota."""
    results = list(results)
    goals = [goal for result in results for goal in result.get("goals", ())]
    counts = [count for goal in goals for count in goal["placements"]]
    sums = {name: sum(count[name] for count in counts) for name in COUNTED}
    return {
        "tasks": len(results),
        "failed": sum("failed" in result for result in results),
        "atoms": sum(len(goal["atoms"]) == 1 for goal in goals),
        "conjunctions": sum(len(goal["atoms"]) > 1 for goal in goals),
        "states": sums["true"] + sums["false"],
        **sums,
        "differences": sum(goal["differing"] for goal in goals),
        "short": sum(bool(goal["short"]) for goal in goals),
    }


def print_tables(by_suite: dict[str, list[dict]]) -> None:
    print("\n| suite | " + " | ".join(name.replace("_", " ") for name in HEAD) + " |")
    print("|---|" + "---:|" * len(HEAD))
    for suite, results in by_suite.items():
        sums = summary(results)
        print(f"| {suite} | " + " | ".join(f"{sums[name]}" for name in HEAD) + " |")
    for result in (result for results in by_suite.values() for result in results):
        for remark in remarks(result):
            print(f"\n{result['task']}: {remark}", end="")
    print()


def remarks(result: dict) -> Iterable[str]:
    """What a reader must know of a task beside its counts."""
    if "failed" in result:
        yield result["failed"]
    for goal in result.get("goals", ()):
        name = " and ".join(f"({' '.join(atom)})" for atom in goal["atoms"])
        if goal["differing"]:
            yield f"{name}: {goal['differing']} states differ"
        if goal["short"]:
            yield f"{name}: only {', '.join(goal['short'])}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--suites", nargs="+", default=[*suites(), *PERTURBED])
    parser.add_argument("--tasks", nargs="+", metavar="SUITE/TASK", help="these tasks alone")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--each", type=int, default=Quota.each, help="states of each answer")
    parser.add_argument("--near", type=int, default=Quota.near, help="of these near a threshold")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--one", metavar="SUITE/TASK", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        found = one(arguments.one, Quota(arguments.each, arguments.near), arguments.seed)
        print(json.dumps(found, default=np.ndarray.tolist))
        return
    try:
        if arguments.tasks:
            tasks = [bddl_task(task_id) for task_id in arguments.tasks]
        else:
            tasks = [task for suite in arguments.suites for task in bddl_tasks(suite)]
    except UnknownTaskError as error:
        parser.error(str(error))
    results = compare_all([task.id for task in tasks], arguments)
    by_suite: dict[str, list[dict]] = {}
    for name, result in results.items():
        by_suite.setdefault(name.split("/")[0], []).append(result)
    print_tables(by_suite)
    print(json.dumps({"benchmark": "native_parity", **summary(results.values())}))


if __name__ == "__main__":
    main()
