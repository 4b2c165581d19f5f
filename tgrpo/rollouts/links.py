"""The way to a worker: commands there, reports back, over whatever lies between."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from typing import Protocol, TypeVar

from tgrpo.rollouts.episodes import StepperName
from tgrpo.rollouts.hosting import Assign, Command, Failure, Host, Report
from tgrpo.rollouts.processes import Child, lose_patience
from tgrpo.rollouts.shared_images import Layout, SharedImages, receive, share
from tgrpo.trajectory import Camera


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

    def start(self, number: int, slots: tuple[int, ...]) -> L:
        """Start worker `number`, which will be told of `slots` alone."""
        ...

    def wait(self, links: Sequence[L], timeout: float) -> list[L]:
        """Those of `links` that have an answer or are gone; perhaps none after `timeout` s."""
        ...


class ProcessLink:
    """A process of this machine at the end of a pipe; images take the way through shared memory.

    Commands are a few kB and a lane sends one at a time: they fit the pipe of a process that does
    not read, so that sending never blocks. A process that stops in the middle of a message for
    `patience` seconds counts as gone.
    """

    def __init__(self, child: Child, slots: tuple[int, ...], patience: float):
        self._child = child
        self.connection: Connection = child.connection
        lose_patience(self.connection, patience)
        self._slots = slots
        self._images: SharedImages | None = None

    def send(self, command: Command) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError, BlockingIOError):
            if isinstance(command, Assign):
                self._make_room(next(iter(command.assignments.values())).cameras)
            self.connection.send(command)

    def _make_room(self, cameras: tuple[Camera, ...]) -> None:
        """For an image of each camera and slot, unless there is."""
        layout = Layout(self._slots, cameras)
        if cameras and (self._images is None or self._images.layout != layout):
            self._images = share(self.connection, layout)

    def receive(self) -> Report | Failure:
        try:
            said: Report | Failure = self.connection.recv()
        except BlockingIOError:
            raise LinkBrokenError("it stopped in the middle of an answer") from None
        except (EOFError, OSError):  # also in the middle of a message
            raise LinkBrokenError(self._child.ending()) from None
        if isinstance(said, Failure) or not said.in_shared_memory:
            return said
        assert self._images is not None
        return replace(said, images=self._images.read(said.slots))

    def ask_to_leave(self) -> None:
        self._child.ask_to_leave()

    def end(self) -> None:
        self._child.end()

    def kill(self) -> None:
        self._child.kill()


class Processes:
    """Workers that are processes of this machine. `patience`: see `ProcessLink`."""

    def __init__(self, stepper: StepperName, patience: float):
        self._stepper: StepperName = stepper
        self._patience = patience

    def start(self, number: int, slots: tuple[int, ...]) -> ProcessLink:
        child = Child(f"tgrpo-worker-{number}", _serve, self._stepper)
        return ProcessLink(child, slots, self._patience)

    def wait(self, links: Sequence[ProcessLink], timeout: float) -> list[ProcessLink]:
        by_connection = {link.connection: link for link in links}
        ready = wait(list(by_connection), timeout=timeout)
        return [by_connection[item] for item in ready]  # type: ignore[index]  # typed as any waitable


def _serve(connection: Connection, stepper: StepperName) -> None:
    """The worker process. An end of file on the pipe, also that of a dead parent, ends it."""
    host = Host(stepper)
    shared: SharedImages | None = None
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            message: Command | Layout = connection.recv()
            if isinstance(message, Layout):
                shared = receive(connection, message)
                continue
            answer = host.answer(message)
            if isinstance(answer, Report) and answer.images:
                assert shared is not None
                shared.write(answer.slots, answer.images)
                answer = replace(answer, images={}, in_shared_memory=True)
            connection.send(answer)
