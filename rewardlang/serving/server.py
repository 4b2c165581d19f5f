"""llama.cpp's server in this process, from its start to the signal that ends it."""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from rewardlang.serving.model_files import ModelFile

_ERRORS_ONLY = 1  # of llama.cpp's log levels
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class ServerError(RuntimeError):
    """The server cannot be had like this; the message says why, and what would do."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the server listens and how much it takes at once.

    port      0: any free one
    context   tokens of prompt and answer together, of each request
    parallel  requests answered at a time
    threads   None: as many as llama.cpp finds right
    """

    host: str
    port: int
    context: int
    parallel: int = 1
    threads: int | None = None


def is_loopback(host: str) -> bool:
    """Whether only programs on this machine reach what listens there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def require_free(host: str, port: int) -> None:
    """Raise ServerError where nothing can listen there: llama.cpp itself does not say why."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # just closed is free
            probe.bind(address)
            probe.listen()
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise ServerError(
            f"cannot listen on port {port} of {host}: {why}; --port 0 takes any free one"
        ) from error


class Server:
    """llama.cpp's server, ready to answer; it ends with this process.

    Raises ServerError, after llama.cpp has written to standard error what is wrong.
    """

    def __init__(self, model: ModelFile, place: Place):
        from xllamacpp import CommonParams
        from xllamacpp import Server as LlamaServer

        params = CommonParams()
        params.model.path = str(model.path)
        params.model_alias = {model.name}
        params.hostnames = [place.host]
        params.port = place.port
        params.n_ctx = place.context * place.parallel  # it divides them among the requests
        params.n_parallel = place.parallel
        if place.threads is not None:
            params.cpuparams.n_threads = params.cpuparams_batch.n_threads = place.threads
        params.warmup = params.ui = False
        params.verbosity = _ERRORS_ONLY
        try:
            self._server = LlamaServer(params)  # kept: it stops when nobody holds it
        except RuntimeError as error:
            raise ServerError(
                f"llama.cpp's server did not start with {model.path}; it says why above"
            ) from error
        self._host = place.host

    @property
    def base_url(self) -> str:
        """What a client on this machine calls it."""
        port = urlsplit(self._server.listening_address.replace("//:::", "//[::]:")).port
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._host, self._host)
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/v1"


def die_on_signals() -> None:
    """From now on Ctrl-C ends this process at once: a loading llama.cpp lets no Python run."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_DFL)


def wait_for_end(*, with_stdin: bool) -> None:
    """Return after Ctrl-C or SIGTERM; `with_stdin`: also when standard input closes."""
    end = threading.Event()
    for number in _SIGNALS:
        signal.signal(number, lambda *_: end.set())
    if with_stdin:
        threading.Thread(target=_set_at_end_of_stdin, args=(end,), daemon=True).start()
    end.wait()


def _set_at_end_of_stdin(end: threading.Event) -> None:
    sys.stdin.read()
    end.set()


def leave() -> None:
    """End this process with code 0, now.

    Letting go of the server would wait for its unfinished answers, which may take minutes.
    """
    with suppress(OSError):  # whoever read the output may be gone
        sys.stdout.flush()
    os._exit(0)
