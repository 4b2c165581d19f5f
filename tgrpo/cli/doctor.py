"""`tgrpo doctor`."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import typer

from tgrpo.cli.console import make_console
from tgrpo.cli.mistakes import BAD_INPUT
from tgrpo.doctor.checks import CHECKS, Patient
from tgrpo.doctor.examination import QUICK_SECONDS, SECONDS, examine
from tgrpo.doctor.findings import Status, worst
from tgrpo.doctor.report import as_json, print_findings

_MARGIN = 1.0  # seconds to judge what was seen


def run_doctor(patient: Patient, *, quick: bool, as_data: bool) -> None:
    """Examine, print, and end with 1 where there is a problem."""
    start = time.monotonic()
    checks = [check for check in CHECKS if check.quick or not quick]
    seconds = QUICK_SECONDS if quick else SECONDS
    findings = examine(checks, replace(patient, until=start + seconds - _MARGIN), seconds=seconds)
    seconds = time.monotonic() - start
    if as_data:
        typer.echo(json.dumps(as_json(findings, seconds), indent=2, ensure_ascii=False))
    else:
        print_findings(make_console(), findings, seconds)
    if worst(findings) is Status.PROBLEM:
        raise typer.Exit(BAD_INPUT)
