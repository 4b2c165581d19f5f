"""The reward language: programs without errors, and a language model's endpoint if one is set."""

from __future__ import annotations

import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO

import rewardlang
from tgrpo.doctor.findings import Finding, ok, problem, warning
from tgrpo.programs import FoundProgram, ProgramsError, find_programs

PATIENCE = 5.0  # seconds for an endpoint's answer
_MOST_NAMED = 3
_UNAUTHORISED = (401, 403)


def see_programs(folder: Path) -> tuple[FoundProgram, ...] | str:
    """The programs below `folder`, or why there are none."""
    try:
        return find_programs(folder)
    except ProgramsError as error:
        return str(error)


def judge_programs(found: Sequence[FoundProgram] | str, folder: Path) -> Finding:
    name = "programs"
    if isinstance(found, str):
        return warning(name, found, 'rewardlang generate "INSTRUCTION" --offline')
    broken = [item for item in found if item.problems]
    if broken:
        named = ", ".join(str(item.path) for item in broken[:_MOST_NAMED])
        more = f" and {len(broken) - _MOST_NAMED} more" if len(broken) > _MOST_NAMED else ""
        text = f"{len(broken)} of {len(found)} have errors: {named}{more}"
        return problem(name, text, f"rewardlang check {folder}")
    return ok(name, f"{len(found)} in {folder}, without errors")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A configured endpoint: its answer's HTTP status, or why there is none, or bad settings."""

    address: str = ""  # without a password
    status: int = 0
    failure: str = ""
    mistakes: str = ""


def see_endpoint(environment: Mapping[str, str]) -> Endpoint | None:
    """Ask for its models, the cheapest question; None where none is configured."""
    try:
        chosen = rewardlang.endpoint_settings({}, environment)
    except rewardlang.SettingsError as error:
        return Endpoint(mistakes=str(error))
    if chosen is None:
        return None
    request = urllib.request.Request(f"{chosen.address}/models")
    if chosen.login is not None:
        login = b64encode(":".join(chosen.login).encode()).decode()
        request.add_header("Authorization", f"Basic {login}")
    elif chosen.api_key is not None:
        request.add_header("Authorization", f"Bearer {chosen.api_key.get_secret_value()}")
    try:
        opener = urllib.request.build_opener(_NoRedirect)
        with opener.open(request, timeout=PATIENCE) as answer:
            return Endpoint(chosen.address, answer.status)
    except urllib.error.HTTPError as error:
        return Endpoint(chosen.address, error.code)
    except (OSError, HTTPException) as error:
        return Endpoint(chosen.address, failure=str(getattr(error, "reason", error)))


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The key is for the configured host alone."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> None:
        del req, fp, code, msg, headers, newurl


def judge_endpoint(facts: Endpoint | None) -> Finding:
    name = "language model"
    if facts is None:
        return ok(name, "no endpoint is configured; rewardlang generate --offline needs none")
    if facts.mistakes:
        return problem(name, facts.mistakes, "rewardlang generate --help")
    if facts.failure:
        text = f"{facts.address} does not answer: {facts.failure}"
        return warning(name, text, f"curl {facts.address}/models")
    if facts.status in _UNAUTHORISED:
        text = f"{facts.address} refuses the key (HTTP {facts.status})"
        return warning(name, text, "export REWARDLANG_API_KEY=…")
    if facts.status >= 300:
        text = f"{facts.address}/models answers with HTTP {facts.status}"
        return warning(name, text, "export REWARDLANG_BASE_URL=https://…/v1")
    return ok(name, f"{facts.address} answers")
