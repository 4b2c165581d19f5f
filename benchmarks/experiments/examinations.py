"""What is said of programs before anything is trained with them: check, audit and score.

One JSON file per program and task; what is there is not asked again.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from experiment import Remarks
from markdown_tables import NOT_RUN, table
from trials import Method, Settings, Suite, tgrpo

from tgrpo.files import write_json

HEAD = (
    *("program", "task", "check", "audit", "checks failed"),
    *("demonstrations: success", "median Φ a step before success", "stages that none finished"),
)


def examine(methods: Sequence[Method], settings: Settings, suites: Sequence[Suite]) -> None:
    """Ask about the program of each method and task."""
    for method, suite, task in _all(methods, suites):
        target = _file(method, task, settings)
        if not target.is_file():
            program = settings.programs(method) / suite.name / f"{task}.rl"
            write_json(target, _examined(program, _demonstrations(suite, task, settings), settings))


def remarks(methods: Sequence[Method], settings: Settings, suites: Sequence[Suite]) -> Remarks:
    """The answers as a table; "not run" for what was not asked."""
    rows, data = [], []
    for method, _, task in _all(methods, suites):
        file = _file(method, task, settings)
        if not file.is_file():
            rows.append([method.name, task, *[NOT_RUN] * (len(HEAD) - 2)])
            continue
        found = json.loads(file.read_text())
        rows.append([method.name, task, *_row(found)])
        data.append({"method": method.name, "task": task, **found})
    return Remarks(table(HEAD, rows), data)


def _all(methods: Sequence[Method], suites: Sequence[Suite]) -> Iterator[tuple[Method, Suite, str]]:
    return ((method, suite, task) for suite in suites for task in suite.tasks for method in methods)


def _file(method: Method, task: str, settings: Settings) -> Path:
    return settings.runs / "examined" / method.folder / f"{task}.json"


def _demonstrations(suite: Suite, task: str, settings: Settings) -> Path:
    folder = settings.runs / "demonstrations"
    file = folder / suite.name / f"{task}_demo.hdf5"
    if not file.is_file():
        options = ["--task", f"{suite.name}/{task}", "--out", str(folder)]
        count = 1 if settings.quick else 10
        workers = str(settings.workers)
        tgrpo(["demonstrate", *options, "--count", str(count), "--workers", workers], folder)
    return file


def _examined(program: Path, demonstrations: Path, settings: Settings) -> dict[str, Any]:
    plays = ["--states", "1", "--plays", "1"] if settings.quick else []
    [audit] = json.loads(_rewardlang(["audit", "--json", *plays, str(program)]))
    scored = ["score", "--json", "-", str(program), str(demonstrations)]
    return {
        "program": program.read_text(),
        "check": _rewardlang(["check", "--strict", str(program)]).strip(),
        "audit": audit,
        "score": json.loads(_rewardlang(scored)),
    }


def _rewardlang(arguments: Sequence[str]) -> str:
    """Its output. That a check fails, exit code 1, is an answer."""
    print("rewardlang", *arguments, file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "rewardlang", *arguments]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode not in (0, 1):
        raise subprocess.CalledProcessError(done.returncode, command)
    return done.stdout


def _row(found: Mapping[str, Any]) -> list[str]:
    counts, score = found["audit"]["counts"], found["score"]
    failed = [item["check"] for item in found["audit"]["checks"] if item["verdict"] == "failed"]
    solved = [item for item in score["episodes"] if item["success"] and len(item["phi"]) > 1]
    never = [path for path, item in score["summary"]["stages"].items() if not item["finished"]]
    return [
        found["check"].splitlines()[-1],
        ", ".join(f"{number} {verdict}" for verdict, number in counts.items()),
        ", ".join(dict.fromkeys(failed)) or "none",
        f"{len(solved)} of {len(score['episodes'])}",
        f"{median(item['phi'][-2] for item in solved):.2f}" if solved else "–",
        ", ".join(never) or "none",
    ]
