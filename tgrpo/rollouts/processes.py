"""A child process at the other end of a pipe: how it is started, asked to leave, killed.

Closing this end of the pipe is what asks a child to leave, so a parent that dies takes its children
with it.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection

from tgrpo.interrupts import deferred

ONE_THREAD = {
    **dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
    ),
    "LP_NUM_THREADS": "0",  # of Mesa's software renderer, besides the one that calls it
}
_PATIENCE = 5.0  # seconds a child has to leave after it was asked to
_LONGEST = 1e6  # seconds; a kernel counts no longer ones everywhere


class Child:
    """A process that runs `serve(connection, *arguments)`; `connection` is the parent's end.

    Start it inside `uninterrupted`: the parent's Ctrl-C is then not the child's.
    """

    def __init__(self, name: str, serve: Callable[..., None], *arguments: object):
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(
            target=serve, args=(theirs, *arguments), name=name, daemon=True
        )
        with single_threaded():
            self._process.start()
        theirs.close()  # so that the end of the process is an end of file here

    def ending(self) -> str:
        """Of a process that closed its pipe: how it ended."""
        self._process.join(_PATIENCE)
        code = self._process.exitcode
        if code is not None and code < 0:
            with contextlib.suppress(ValueError):
                return f"killed by {signal.Signals(-code).name}"
        return f"exit code {code}"

    def ask_to_leave(self) -> None:
        with contextlib.suppress(OSError):
            self.connection.close()

    def end(self) -> None:
        """Wait for a process that was asked to leave, and end one that does not."""
        self._process.join(_PATIENCE)
        for stop in (self._process.terminate, self._process.kill):
            if self._process.is_alive():
                stop()
                self._process.join(_PATIENCE)
        self._process.close()

    def kill(self) -> None:
        """End a process that cannot be asked."""
        self.ask_to_leave()
        self._process.kill()
        self._process.join(_PATIENCE)


def lose_patience(connection: Connection, seconds: float) -> None:
    """From now on BlockingIOError is raised where the other process neither reads on nor writes on
    for `seconds` in the middle of a message, instead of waiting for it."""
    whole, rest = divmod(min(seconds, _LONGEST), 1.0)
    timeout = struct.pack("@ll", int(whole), int(1e6 * rest))
    with socket.socket(fileno=os.dup(connection.fileno())) as end:
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            end.setsockopt(socket.SOL_SOCKET, option, timeout)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C waits until the block is left, and is nothing to the processes started inside."""
    if threading.current_thread() is not threading.main_thread():
        yield  # KeyboardInterrupt is raised in the main thread alone
        return
    resource_tracker.ensure_running()  # its start would lift the mask
    # The mask is what children inherit; the parent's other threads do not have it.
    with deferred():
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@contextlib.contextmanager
def single_threaded() -> Iterator[None]:
    """Children started inside use one thread each: there is a process per core already."""
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
