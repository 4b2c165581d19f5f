"""Where Ctrl-C, and what else ends a run, has to wait a moment."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def deferred() -> Iterator[None]:
    """A signal that ends a run is handled when the block is left, and not inside.

    For calls of numba's code: it turns what a handler raises into a SystemError, and may crash.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # handlers run in the main thread alone
        return
    received: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _: received.append(number))
        for number in ENDING
        if callable(signal.getsignal(number))  # otherwise it is ignored, or ends the process
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for pending in dict.fromkeys(received):
            signal.raise_signal(pending)
