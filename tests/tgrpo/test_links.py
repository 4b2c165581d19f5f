"""A worker at the end of a pipe that stops in the middle of a message does not stop its parent."""

from __future__ import annotations

import math
import os
import struct
import time
from multiprocessing import Pipe
from multiprocessing.connection import Connection

import pytest

from tgrpo.rollouts.hosting import Step
from tgrpo.rollouts.links import LinkBrokenError, ProcessLink
from tgrpo.rollouts.processes import Child, lose_patience, uninterrupted

PATIENCE = 0.3  # seconds


def answer_by_half(connection: Connection) -> None:
    """What a worker does that is stopped, by a debugger or a full disk, while it writes."""
    connection.recv()
    os.write(connection.fileno(), struct.pack("!i", 100) + b"half of it")
    time.sleep(600)


def test_a_worker_that_stops_in_the_middle_of_an_answer_is_gone() -> None:
    with uninterrupted():
        link = ProcessLink(Child("tgrpo-half", answer_by_half), (0,), PATIENCE)
    try:
        link.send(Step(0, (0,), None))  # type: ignore[arg-type]  # nobody acts on it
        assert link.connection.poll(120)
        with pytest.raises(LinkBrokenError, match="it stopped in the middle of an answer"):
            link.receive()
    finally:
        link.kill()


def test_a_message_that_nobody_reads_is_not_waited_for() -> None:
    ours, theirs = Pipe()
    with ours, theirs:
        lose_patience(ours, PATIENCE)
        with pytest.raises(BlockingIOError):
            ours.send_bytes(bytes(10_000_000))


@pytest.mark.parametrize("patience", [PATIENCE, math.inf])
def test_a_whole_message_arrives_however_late_it_begins(patience: float) -> None:
    ours, theirs = Pipe()
    with ours, theirs:
        lose_patience(ours, patience)
        assert not ours.poll(2 * PATIENCE)
        theirs.send("an answer")
        assert ours.poll(0)
        assert ours.recv() == "an answer"
