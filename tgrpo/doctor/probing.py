"""Trying something in a process of its own, where it may crash, hang or ask questions.

What is tried stands in `tgrpo.doctor.trials`; it answers with one line of JSON.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_LONGEST = 160  # characters of a reason
MARK = "tgrpo-doctor:"  # drivers write to standard output too


@dataclass(frozen=True, slots=True)
class Answer:
    """What a trial came to: `value`, or in `failure` the reason why there is none."""

    value: Mapping[str, Any] = field(default_factory=dict)
    failure: str = ""
    seconds: float = 0.0
    late: bool = False  # the failure is that it took too long, which says little of the reason

    @property
    def worked(self) -> bool:
        return not self.failure


def try_out(trial: str, *, environment: Mapping[str, str], timeout: float) -> Answer:
    """Run `tgrpo.doctor.trials <trial>` with an empty standard input for at most `timeout` s."""
    if timeout <= 0:
        return Answer(failure="no time was left to try it", late=True)
    start = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "tgrpo.doctor.trials", trial, str(math.ceil(timeout))],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,  # so that its own children can be ended with it
    )
    try:
        out, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        return Answer(failure=f"no answer within {timeout:.0f} s", seconds=timeout, late=True)
    finally:
        _end(process)
    return read_answer(process.returncode, out, errors, time.monotonic() - start)


def read_answer(code: int, out: str, errors: str, seconds: float) -> Answer:
    """The line that begins with MARK; else how the process ended and the last line it wrote."""
    for line in reversed(out.splitlines()):
        if line.startswith(MARK):
            return Answer(json.loads(line.removeprefix(MARK)), seconds=seconds)
    return Answer(failure=_end_text(code, errors), seconds=seconds)


def _end_text(code: int, errors: str) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"crashed with {signal.Signals(-code).name}"
    said = [line.strip() for line in errors.splitlines() if line and not line.startswith(" ")]
    if not said:
        return f"ended with exit code {code} and said nothing"
    return textwrap.shorten(said[-1], _LONGEST, placeholder=" …")


def _end(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
