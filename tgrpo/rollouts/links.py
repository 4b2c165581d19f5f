"""The way to a worker: commands there, reports back, over whatever lies between."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from multiprocessing.connection import Connection, wait
from typing import Protocol, TypeVar

from tgrpo.rollouts.episodes import StepperName
from tgrpo.rollouts.hosting import Command, Failure, Host, Report
from tgrpo.rollouts.processes import Child


class LinkBrokenError(Exception):
    """The worker is gone; the text says how it ended."""


class Link(Protocol):
    """One worker. It answers commands in their order, each once."""

    def send(self, command: Command) -> None:
        """Returns at once, also where the worker is gone: `receive` tells it."""
        ...

    def receive(self) -> Report | Failure:
        """The next answer. Raises LinkBrokenError."""
        ...

    def ask_to_leave(self) -> None: ...

    def end(self) -> None:
        """Wait for a worker that was asked to leave, and end one that does not."""
        ...

    def kill(self) -> None:
        """End a worker that cannot be asked."""
        ...


L = TypeVar("L", bound=Link)


class Links(Protocol[L]):
    """Where workers are started and listened to."""

    def start(self, number: int) -> L: ...

    def wait(self, links: Sequence[L], timeout: float) -> list[L]:
        """Those of `links` that have an answer or are gone; perhaps none after `timeout` s."""
        ...


class ProcessLink:
    """A process of this machine at the end of a pipe.

    Commands are a few kB and a lane sends one at a time: they fit the pipe of a process that does
    not read, so that sending never blocks.
    """

    def __init__(self, name: str, stepper: StepperName):
        self._child = Child(name, _serve, stepper)
        self.connection: Connection = self._child.connection

    def send(self, command: Command) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.connection.send(command)

    def receive(self) -> Report | Failure:
        try:
            return self.connection.recv()
        except (EOFError, OSError):  # also in the middle of a message
            raise LinkBrokenError(self._child.ending()) from None

    def ask_to_leave(self) -> None:
        self._child.ask_to_leave()

    def end(self) -> None:
        self._child.end()

    def kill(self) -> None:
        self._child.kill()


class Processes:
    """Workers that are processes of this machine."""

    def __init__(self, stepper: StepperName):
        self._stepper: StepperName = stepper

    def start(self, number: int) -> ProcessLink:
        return ProcessLink(f"tgrpo-worker-{number}", self._stepper)

    def wait(self, links: Sequence[ProcessLink], timeout: float) -> list[ProcessLink]:
        by_connection = {link.connection: link for link in links}
        ready = wait(list(by_connection), timeout=timeout)
        return [by_connection[item] for item in ready]  # type: ignore[index]


def _serve(connection: Connection, stepper: StepperName) -> None:
    """The worker process. An end of file on the pipe, also that of a dead parent, ends it."""
    host = Host(stepper)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            connection.send(host.answer(connection.recv()))
