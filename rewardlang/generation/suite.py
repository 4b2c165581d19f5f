"""Many tasks at once: each is done with as soon as it is there, so that nothing done is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import TypeVar

from rewardlang.llm.model import EndpointError
from rewardlang.prompting.messages import Wanted

R = TypeVar("R")


def in_parallel(
    tasks: Sequence[Wanted], do: Callable[[Wanted], R], jobs: int
) -> Iterator[tuple[Wanted, R | Exception]]:
    """What `do` returns for each task, or the EndpointError or ValueError that it raises.

    In the order in which they end. After an error that the next task would meet as well, those
    not yet begun are not begun, and end with the same error.
    """
    with ThreadPoolExecutor(jobs) as pool:
        futures = {pool.submit(do, task): task for task in tasks}
        try:
            yield from _ends(futures)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _ends(futures: dict[Future[R], Wanted]) -> Iterator[tuple[Wanted, R | Exception]]:
    stopped: EndpointError | None = None
    for future in as_completed(futures):
        if future.cancelled():
            assert stopped is not None
            yield futures[future], stopped
            continue
        error = future.exception()
        if error is None:
            yield futures[future], future.result()
            continue
        if not isinstance(error, (EndpointError, ValueError)):
            raise error
        if isinstance(error, EndpointError) and error.lasting and stopped is None:
            stopped = error
            for other in futures:
                other.cancel()
        yield futures[future], error
