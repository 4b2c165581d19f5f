"""A client of the misbehaving server, whose waits between attempts are noted and not waited."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from rewardlang.llm.client import Client
from rewardlang.llm.settings import Settings
from tests.rewardlang.llm.misbehaving import KEY, MODEL, Script


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that would have been waited before each further attempt."""
    noted: list[float] = []
    monkeypatch.setattr("tenacity.nap.time", SimpleNamespace(sleep=noted.append))
    return noted


@pytest.fixture
def notices() -> list[str]:
    """What the user is told beside the answer."""
    return []


@pytest.fixture
def client_of(notices: list[str]) -> Callable[..., Client]:
    """`client_of(script, timeout=1)`: a client with a key, and settings of one's own."""

    def connect(script: Script | str, **more: Any) -> Client:
        url = script if isinstance(script, str) else script.base_url
        chosen = {"base_url": url, "model": MODEL, "api_key": KEY, "timeout": 5, **more}
        return Client(Settings(**chosen), notices.append)

    return connect
