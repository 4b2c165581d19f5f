"""`rewardlang generate` against a real server that misbehaves: messages, files, and no key."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rewardlang.cli import app
from rewardlang.generation.writing import write as real_write
from rewardlang.planning.planner import plan
from rewardlang.scene import load, suite_scenes
from tests.rewardlang.generation.scripted import GOOD, MILK, WARNED, WRONG
from tests.rewardlang.llm.misbehaving import (
    KEY,
    MODEL,
    Action,
    Connection,
    Script,
    answering,
    chat_chunk,
    error,
    events,
    misbehaving,
    offering,
    saying,
)

FILE = f"{MILK.id}.rl"
SUITE = "libero_goal"
TASKS = sorted(suite_scenes(SUITE))
ONCE = ("--no-plan", "--constrain", "none", "--attempts", "1", "--retries", "0")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A user's folders; at the end no file in them holds the key."""
    for name in [name for name in os.environ if name.startswith(("OPENAI_", "REWARDLANG_"))]:
        monkeypatch.delenv(name)
    for name in ("cache", "config"):
        monkeypatch.setenv(f"XDG_{name.upper()}_HOME", str(tmp_path / name))
    monkeypatch.setenv("REWARDLANG_API_KEY", KEY)
    monkeypatch.setenv("NO_COLOR", "1")
    yield tmp_path
    for file in tmp_path.rglob("*"):
        assert file.is_dir() or KEY.encode() not in file.read_bytes(), file


def arguments(script: Script, home: Path, *more: str) -> list[str]:
    return [
        *("generate", "--base-url", script.base_url, "--model", MODEL, "--out", str(home / "out")),
        *("--transcript", str(home / "talk.jsonl"), *more),
    ]


def run(script: Script, home: Path, *more: str) -> tuple[int, str]:
    """Exit code and all that is printed, its lines joined."""
    result = CliRunner().invoke(app, arguments(script, home, *more))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    assert KEY not in result.output
    return result.exit_code, result.output


def written(home: Path) -> dict[str, str]:
    out = home / "out"
    return {str(file.relative_to(out)): file.read_text("utf-8")
            for file in out.rglob("*") if file.is_file()}  # fmt: skip


def test_a_program_is_planned_written_corrected_and_kept(home: Path) -> None:
    actions = (saying("Reach it first."), saying("Sure!\n```\n" + WRONG + "```"), saying(GOOD))
    with misbehaving(*actions) as script:
        code, said = run(script, home, MILK.instruction, "--constrain", "none")
        assert code == 0
        assert f"wrote {home / 'out' / FILE}" in said
        assert "2 answers, 300 tokens of prompts and 30 of answers" in said
        assert "did you mean `milk`?" in script.questions[2]
        assert written(home) == {FILE: GOOD}
        again = run(script, home, MILK.instruction, "--constrain", "none")
        assert again[0] == 1
        assert "exists, so it is left as it is; --force replaces it" in again[1]
        forced = run(script, home, MILK.instruction, "--constrain", "none", "--force")
        assert forced[0] == 0
        assert "2 answers (2 from the cache), 0 tokens of prompts" in forced[1]
        assert len(script.asked) == 3
        fresh = run(script, home, MILK.instruction, "--constrain", "none", "--force", "--no-cache")
        assert fresh[0] == 0
        assert len(script.asked) > 3
    assert len((home / "talk.jsonl").read_text("utf-8").splitlines()) >= 7


def test_a_warning_is_told_under_the_programs_path_before_what_comes_next(home: Path) -> None:
    with misbehaving(saying(WARNED)) as script:
        code, said = run(script, home, MILK.instruction, *ONCE)
    path = home / "out" / FILE
    assert code == 0
    assert re.search(rf"--> {re.escape(str(path))}:\d+:\d+", said)
    assert "answer:" not in said
    assert said.index("warning[") < said.index(f"wrote {path}") < said.index("Next:")


def test_a_program_that_fails_is_told_with_the_options_that_help(home: Path) -> None:
    with misbehaving(saying(WRONG)) as script:
        _, said = run(script, home, MILK.instruction, *ONCE)
    assert said.endswith(
        "the best of 1 answer has 1 error; --attempts and --samples ask more often, "
        "--offline plans LIBERO's own goal\n"
    )


def test_what_was_asked_before_needs_no_endpoint(home: Path) -> None:
    with misbehaving(saying(GOOD)) as script:
        assert run(script, home, MILK.instruction, *ONCE)[0] == 0
    code, said = run(script, home, MILK.instruction, *ONCE, "--force")  # it is gone now
    assert (code, "1 answer (1 from the cache)" in said) == (0, True)


def silent(to: Connection) -> None:
    to.head()
    to.wait(20)


def cut(to: Connection) -> None:
    to.head()
    to.event(chat_chunk(GOOD[:200]))
    to.cut()


FAULTS: dict[str, tuple[Action, str]] = {
    "wrong key": (error(401, f"Incorrect API key: {KEY}"), "refuses the key it was given"),
    "key at the cut": (error(500, "x" * 290 + KEY), "answers with HTTP 500"),
    "no such model": (error(404, "no such model"), "knows no such request for the model"),
    "busy": (error(429, f"slow down, {KEY}", Retry_After="1"), "allows no more requests now"),
    "too long a wait": (error(429, "", Retry_After="999"), "longer than is waited for"),
    "quota": (error(429, "pay", "insufficient_quota"), "answers no more on this account: pay"),
    "server error": (error(503, "down"), "answers with HTTP 503: down"),
    "silent": (silent, "gave no whole answer in 0.5 s"),
    "cut": (cut, "the connection broke in the middle of the answer"),
    "web page": (answering(200, f"<html>{KEY}</html>"), "no answer of an OpenAI-compatible API"),
    "nonsense": (events("nonsense"), "no answer of an OpenAI-compatible API"),
    "failing": (events({"error": {"message": KEY}}), "failed while answering: [key]"),
    "empty": (saying(""), "no program came of 1 answer: empty answer"),
    "refused": (saying("", "content_filter"), "no program came of 1 answer: refused answer"),
    "at the limit": (saying(GOOD[:300], "length"), "no program came of 1 answer: cut answer"),
    "endless": (saying("x" * 2_000_000), "no program came of 1 answer: too long answer"),
    "prose": (saying(f"I would rather not. {KEY}"), "the best of 1 answer has 1 error"),
    "wrong": (saying(WRONG), "the best of 1 answer has 1 error"),
}


@pytest.mark.parametrize(("action", "message"), FAULTS.values(), ids=FAULTS)
def test_a_fault_exits_1_with_a_message_and_without_a_file(
    action: Action, message: str, home: Path
) -> None:
    with misbehaving(action) as script:
        code, said = run(script, home, MILK.instruction, *ONCE, "--timeout", "0.5")
        assert len(script.asked) == 1
    assert code == 1
    assert message in said
    assert "\nerror: " in f"\n{said}"
    assert written(home) == {}
    assert (home / "talk.jsonl").read_text("utf-8").count("\n") == 1


def test_an_endpoint_that_is_not_there_is_said(home: Path) -> None:
    with misbehaving(saying(GOOD)) as script:
        pass
    code, said = run(script, home, MILK.instruction, *ONCE)
    assert code == 1
    assert f"error: {script.base_url} cannot be reached: " in said
    assert written(home) == {}


def test_settings_that_are_wrong_are_all_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REWARDLANG_RETRIES", "many")
    with misbehaving(saying(GOOD)) as script:
        code, said = run(script, home, MILK.instruction, "--timeout", "-1")
        assert script.paths == []
    assert code == 1
    assert "REWARDLANG_RETRIES: " in said
    assert "--timeout: " in said


def test_a_form_the_endpoint_lacks_is_said_once(home: Path) -> None:
    refused = error(400, "no grammars here")
    actions = (saying("a plan"), refused, refused, saying(GOOD))
    with misbehaving(*actions, models=offering(MODEL, owner="llamacpp")) as script:
        code, said = run(script, home, MILK.instruction, "--samples", "2", "--no-audit")
    assert code == 0
    assert written(home) == {FILE: GOOD}
    assert said.count("does not support --constrain grammar: ") == 1
    assert said.count("does not support --constrain json-schema: ") == 1


def test_a_transcript_that_cannot_be_written_is_said_before_anything_is_paid(home: Path) -> None:
    with misbehaving(saying(GOOD)) as script:
        code, said = run(script, home, MILK.instruction, "--transcript", str(home))
        assert script.asked == []
    assert code == 1
    assert f"cannot write {home}: is a directory" in said


# --- a whole suite ----------------------------------------------------------------------------


def task_of(to: Connection) -> str:
    """The task that a question is about."""
    (scene_id,) = set(re.findall(rf'"{SUITE}/(\w+)"', to.body["messages"][-1]["content"]))
    return scene_id


def right(to: Connection) -> None:
    """The planner's program for the task that is asked for."""
    saying(plan(load(f"{SUITE}/{task_of(to)}")))(to)


def only(tasks: list[str], otherwise: Action) -> Action:
    return lambda to: (right if task_of(to) in tasks else otherwise)(to)


def test_a_suite_is_written_and_what_fails_is_told(home: Path) -> None:
    with misbehaving(only(TASKS[1:], saying(WRONG))) as script:
        code, said = run(script, home, "--suite", SUITE, *ONCE)
        assert len(script.asked) == 10
        assert code == 1
        assert "9 made, 0 kept, 1 failed" in said
        assert "1000 tokens of prompts and 100 of answers" in said
        told = (
            rf"{TASKS[0]}: the best of 1 answer has \d+ errors?; line 5: unknown-object: `milk_1` "
        )
        assert re.search(told, said), said[-400:]
        assert "--transcript FILE records every answer, wrong ones too" in said
    assert written(home) == {f"{SUITE}/{t}.rl": plan(load(f"{SUITE}/{t}")) for t in TASKS[1:]}
    with misbehaving(right) as script:
        code, said = run(script, home, "--suite", SUITE, *ONCE, "--no-cache")
        assert code == 0
        assert "1 made, 9 kept, 0 failed" in said
        assert len(script.asked) == 1
    assert len(written(home)) == 10


def test_a_wrong_key_stops_the_suite(home: Path) -> None:
    with misbehaving(error(401, KEY)) as script:
        code, said = run(script, home, "--suite", SUITE, *ONCE, "--jobs", "2")
        assert len(script.asked) <= 3
    assert code == 1
    assert "0 made, 0 kept, 10 failed" in said
    assert said.count(f"10 tasks: {script.base_url} refuses the key it was given: [key]; set") == 1
    assert written(home) == {}


def test_an_endpoint_that_does_not_say_its_model_is_asked_once(home: Path) -> None:
    with misbehaving(right, models=offering("a", "b")) as script:
        options = arguments(script, home, "--suite", SUITE, *ONCE)
        del options[options.index("--model") : options.index("--model") + 2]
        result = CliRunner().invoke(app, options)
        assert (result.exit_code, script.lists, script.asked) == (1, 1, [])
    assert "--model NAME says it; it offers `a`, `b`" in result.output


def test_a_crash_in_the_middle_loses_no_finished_program(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crashing(path: Path, text: str, *, force: bool) -> object:
        if len(written(home)) == 4:
            raise RuntimeError("a bug")
        return real_write(path, text, force=force)

    monkeypatch.setattr("rewardlang.cli.generating.write", crashing)
    with misbehaving(right) as script:
        result = CliRunner().invoke(
            app, arguments(script, home, "--suite", SUITE, *ONCE, "--jobs=1")
        )
        assert isinstance(result.exception, RuntimeError)
        monkeypatch.setattr("rewardlang.cli.generating.write", real_write)
        code, said = run(script, home, "--suite", SUITE, *ONCE)
    assert code == 0
    counts = re.search(r"(\d+) made, (\d+) kept, 0 failed", said)
    assert counts is not None
    assert int(counts[1]) + int(counts[2]) == len(written(home)) == 10
    assert int(counts[2]) >= 4


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
def test_a_process_that_is_stopped_leaves_whole_programs(stop: signal.Signals, home: Path) -> None:
    quick = TASKS[:3]
    with misbehaving(only(quick, silent)) as script:
        command = [sys.executable, "-m", "rewardlang", *arguments(script, home, "--suite", SUITE)]
        with subprocess.Popen(
            [*command, "--no-plan", "--constrain", "none"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            until = time.monotonic() + 30
            while len(list((home / "out").rglob("*.rl"))) < 3 and time.monotonic() < until:
                time.sleep(0.05)
            process.send_signal(stop)
            said, _ = process.communicate(timeout=10)  # far less than an answer's time
    assert process.returncode == (-9 if stop is signal.SIGKILL else 130)
    assert "Traceback" not in said
    assert KEY not in said
    expected = {f"{SUITE}/{task}.rl": plan(load(f"{SUITE}/{task}")) for task in quick}
    assert written(home) == expected
    with misbehaving(right) as script:
        code, said = run(script, home, "--suite", SUITE, *ONCE)
        assert code == 0
        assert "7 made, 3 kept, 0 failed" in said
        assert len(script.asked) == 7
