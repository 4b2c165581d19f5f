"""Where Ctrl-C, and what else ends a run, has to wait a moment."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def deferred() -> Iterator[None]:
    """A signal that ends a run is handled when the block is left, and not inside.

    For calls of numba's code: it turns what a handler raises into a SystemError, and may crash.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # handlers run in the main thread alone
        return
    holding, received = True, list[int]()
    before: dict[int, Callable[..., Any]] = {
        number: handler
        for number in ENDING
        if callable(handler := signal.getsignal(number))  # else ignored, or it ends the process
    }

    def hold(number: int, frame: FrameType | None) -> None:
        """Where a signal ends the block's last lines, one of these is left behind: it hands on."""
        if holding:
            received.append(number)
        else:
            before[number](number, frame)

    try:
        for number in before:
            signal.signal(number, hold)
        yield
    finally:
        holding = False
        for number, handler in before.items():
            signal.signal(number, handler)
        for pending in dict.fromkeys(received):
            signal.raise_signal(pending)
