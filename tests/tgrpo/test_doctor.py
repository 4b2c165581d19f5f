"""What the doctor says of language models and programs, and how it comes to its verdict."""

from __future__ import annotations

from pathlib import Path

import pytest

from tgrpo.doctor import accelerators, language, libero
from tgrpo.doctor.findings import Status, ok, problem, warning, worst
from tgrpo.doctor.language import Endpoint
from tgrpo.doctor.probing import MARK, Answer, read_answer
from tgrpo.doctor.report import fixes, verdict

# ---------------------------------------------------------------- the language


@pytest.mark.parametrize(
    ("facts", "status", "text"),
    [
        (None, Status.OK, "no endpoint is configured"),
        (Endpoint("http://x/v1", 200), Status.OK, "http://x/v1 answers"),
        (Endpoint("http://x/v1", 401), Status.WARNING, "refuses the key (HTTP 401)"),
        (Endpoint("http://x/v1", 404), Status.WARNING, "/models answers with HTTP 404"),
        (Endpoint("http://x/v1", failure="refused"), Status.WARNING, "does not answer: refused"),
        (Endpoint(mistakes="REWARDLANG_TIMEOUT: …"), Status.PROBLEM, "REWARDLANG_TIMEOUT"),
    ],
)
def test_endpoints(facts: Endpoint | None, status: Status, text: str) -> None:
    found = language.judge_endpoint(facts)
    assert found.status is status
    assert text in found.seen


def test_broken_programs_are_named(tmp_path: Path) -> None:
    (tmp_path / "bad.rl").write_text("rewardlang 1\nnonsense\n")
    found = language.judge_programs(language.see_programs(tmp_path), tmp_path)
    assert found == problem(
        "programs",
        f"1 of 1 have errors: {tmp_path / 'bad.rl'}",
        f"rewardlang check {tmp_path}",
    )
    nowhere = language.judge_programs(language.see_programs(tmp_path / "none"), tmp_path)
    assert nowhere.status is Status.WARNING
    assert "no such file or folder" in nowhere.seen


# ---------------------------------------------------------------- trials and the verdict


def test_an_answer_is_read_among_what_drivers_write() -> None:
    out = f'libEGL warning\n{MARK}{{"black": false}}\nbye\n'
    assert read_answer(0, out, "", 1.0) == Answer({"black": False}, seconds=1.0)


@pytest.mark.parametrize(
    ("code", "errors", "failure"),
    [
        (-11, "", "crashed with SIGSEGV"),
        (1, "Traceback:\n  File x\nImportError: no libGL\n", "ImportError: no libGL"),
        (3, "", "ended with exit code 3 and said nothing"),
    ],
)
def test_how_a_trial_ended_without_an_answer(code: int, errors: str, failure: str) -> None:
    assert read_answer(code, "", errors, 1.0).failure == failure


def test_what_takes_too_long_is_no_problem_yet() -> None:
    slow = Answer(failure="no answer within 12 s", late=True)
    found = (
        libero.judge_import(slow, Path("/x")),
        accelerators.judge_stepper(slow),
        *accelerators.judge_torch(slow, gpu=True),
    )
    assert [item.check for item in found] == ["importing libero", "the stepper", "torch"]
    assert {(item.status, item.fix) for item in found} == {(Status.WARNING, "tgrpo doctor")}
    assert all(item.seen.startswith("no answer within 12 s") for item in found)


def test_the_verdict_counts() -> None:
    fine, bad, worse = ok("a", "x"), warning("b", "y"), problem("c", "z")
    assert verdict([fine]) == "1 checks, all is well"
    assert verdict([fine, bad, bad]) == "3 checks: 2 warnings"
    assert verdict([worse, fine, bad]) == "3 checks: 1 problem and 1 warning"
    assert worst([fine, worse, bad]) is Status.PROBLEM
    assert worst([]) is Status.OK


def test_a_command_that_mends_several_is_told_once() -> None:
    found = [ok("a", "x"), warning("b", "y", "mend"), problem("c", "z", "mend"), problem("d", "")]
    assert fixes(found) == {"mend": ["b", "c"]}
