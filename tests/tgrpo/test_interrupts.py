"""Ctrl-C at any moment ends in KeyboardInterrupt, also where numba's code is running."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import numpy as np
import pytest

from tests.tgrpo.policies_here import SOUP, build, sample, scene
from tgrpo import interrupts
from tgrpo.interrupts import ENDING, deferred

PRESSES = 150


@pytest.fixture(autouse=True)
def handlers_of_a_run() -> Iterator[None]:
    """As `tgrpo train` has them: each of the signals raises KeyboardInterrupt."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in ENDING}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("name", ["tiny", "tiny-vision"])
def test_a_policy_that_acts_is_interrupted_between_its_decisions(name: str) -> None:
    sampler = build(name).sampler()

    def act_until(timer: threading.Timer) -> None:
        timer.start()
        while True:
            sample(sampler, SOUP, shown, 0.0)

    shown = scene(sampler.cameras, 2)
    sample(sampler, SOUP, shown, 0.0)  # compiled or loaded
    delays = np.random.default_rng(0).uniform(0.0, 0.004, PRESSES)
    for index, delay in enumerate(delays):
        timer = threading.Timer(delay, os.kill, (os.getpid(), ENDING[index % len(ENDING)]))
        with pytest.raises(KeyboardInterrupt):
            act_until(timer)
        timer.join()


@pytest.mark.parametrize("number", ENDING)
def test_the_signal_comes_once_when_the_block_is_left(number: signal.Signals) -> None:
    done = []

    def block() -> None:
        with deferred():
            signal.raise_signal(number)
            time.sleep(0.01)
            signal.raise_signal(number)
            done.append("the rest of it")

    with pytest.raises(KeyboardInterrupt):
        block()
    assert done
    time.sleep(0.01)


def test_what_the_block_raises_is_not_lost_on_the_way() -> None:
    def block() -> None:
        with deferred():
            signal.raise_signal(signal.SIGINT)
            raise ValueError("what went wrong inside")

    with pytest.raises(KeyboardInterrupt) as caught:
        block()
    assert isinstance(caught.value.__context__, ValueError)


def test_handlers_are_those_of_before_and_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    before = [signal.getsignal(number) for number in ENDING]
    with deferred():
        signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    assert [signal.getsignal(number) for number in ENDING] == before


def press_at(line: int) -> bool:
    """SIGTERM at the `line`-th line that `deferred` runs; False where there are fewer."""
    lines, pressed = itertools.count(), False

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal pressed
        if frame.f_code.co_filename != interrupts.__file__:
            return None
        if event == "line" and next(lines) == line:
            pressed = True
            signal.raise_signal(signal.SIGTERM)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with contextlib.suppress(KeyboardInterrupt), deferred():
            pass
    finally:
        sys.settrace(before)
    return pressed


def test_after_a_signal_at_any_line_of_it_every_signal_is_still_heard() -> None:
    for line in itertools.count():
        pressed = press_at(line)
        for number in ENDING:
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(number)
        if not pressed:
            break
    assert line > len(ENDING)


def in_a_thread(act: Callable[[], None]) -> None:
    thread = threading.Thread(target=act)
    thread.start()
    thread.join()


def test_other_threads_leave_the_handlers_alone() -> None:
    seen = []

    def act() -> None:
        with deferred():
            seen.append(signal.getsignal(signal.SIGINT))

    in_a_thread(act)
    assert seen == [signal.default_int_handler]
