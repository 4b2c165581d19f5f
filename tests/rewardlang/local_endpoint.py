"""A real endpoint for tests: `rewardlang serve-local`, which serves a model of 270M parameters.

Server and model come from PyPI (the extra `local`). Take the fixture `local_endpoint` of
conftest.py, which starts the server once per session, or `serving` where a server of one's own is
needed. The model follows no instructions; what is real are the protocol, the sampling under a
grammar and the time it takes: some ten to thirty tokens per second on two cores.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from rewardlang.serving.model_files import SMALL

# Two threads wait for each other busily: beside other work they are ten times slower than one.
_BESIDE_TESTS = ("--stop-with-stdin", "--threads", "1")
_SECONDS_TO_STOP = 20


@dataclass(frozen=True)
class LocalEndpoint:
    """base_url: as the `openai` package takes it, ending in `/v1`. model: the name to ask for.

    process: the server, whose standard output has been read up to its address.
    """

    base_url: str
    process: subprocess.Popen[str]
    model: str = SMALL


@contextmanager
def serving(*options: str) -> Iterator[LocalEndpoint]:
    """A server on a free port; ready inside the block, gone behind it.

    It ends with the tests, however they end, because it ends with its standard input. Raises
    RuntimeError, with the server's own log, where it does not come up.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log, _started(options, log) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()  # ends early where the server does
            if not address:
                log.seek(0)
                raise RuntimeError(f"the local server did not start:\n{log.read()}")
            yield LocalEndpoint(address, process)
        finally:
            _stop(process)


def _started(options: tuple[str, ...], log: IO[str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "rewardlang", "serve-local", "--port", "0"]
    return subprocess.Popen(
        [*command, *_BESIDE_TESTS, *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )


def _stop(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(_SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
