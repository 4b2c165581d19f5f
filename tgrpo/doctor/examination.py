"""All checks, each by itself: one that raises or never answers is a finding like any other."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from tgrpo.capacity import cores
from tgrpo.doctor.checks import Check, Patient
from tgrpo.doctor.findings import Finding, warning

QUICK_SECONDS = 4.0
SECONDS = 28.0
_AT_ONCE = 4  # trials wait more than they work


@dataclass(slots=True)
class _Examined:
    """A check under way. `started`: it has its turn; `done`: `findings` is complete."""

    check: Check
    findings: tuple[Finding, ...] = ()
    started: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)


def examine(checks: Sequence[Check], patient: Patient, *, seconds: float) -> tuple[Finding, ...]:
    """What the checks find, in their order. Takes `seconds` at most.

    A check that hangs is left behind: its thread is a daemon, and ends with the process.
    """
    end = time.monotonic() + seconds
    turns = threading.Semaphore(max(_AT_ONCE, cores()))
    running = [_Examined(check) for check in checks]
    for item in running:
        threading.Thread(target=_run, args=(item, patient, turns), daemon=True).start()
    for item in running:
        item.done.wait(max(0.0, end - time.monotonic()))
    return tuple(finding for item in running for finding in _outcome(item, seconds))


def _run(item: _Examined, patient: Patient, turns: threading.Semaphore) -> None:
    with turns:
        item.started.set()
        try:
            item.findings = item.check.find(patient)
        except Exception as error:  # whatever a check stumbles over is what it found
            text = f"the check itself failed: {type(error).__name__}: {error}"
            item.findings = (warning(item.check.name, text),)
        item.done.set()


def _outcome(item: _Examined, seconds: float) -> tuple[Finding, ...]:
    if item.done.is_set():
        return item.findings
    if item.started.is_set():
        return (warning(item.check.name, f"no answer within {seconds:.0f} s"),)
    return (warning(item.check.name, f"not looked at: the {seconds:.0f} s were over"),)
