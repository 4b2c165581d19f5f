"""Many tasks at once: each is done with as soon as it is there, so that nothing done is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from multiprocessing.pool import ThreadPool
from typing import TypeVar

from rewardlang.llm.model import EndpointError
from rewardlang.prompting.messages import Wanted

R = TypeVar("R")


def in_parallel(
    tasks: Sequence[Wanted], do: Callable[[Wanted], R], jobs: int
) -> Iterator[tuple[Wanted, R | Exception]]:
    """What `do` returns for each task, or the EndpointError or ValueError that it raises.

    In the order in which they end. After an error that the next task would meet as well, those
    not yet begun are not begun, and end with the same error. Whoever leaves early, by Ctrl-C say,
    does not wait for the answers that are under way: the threads are daemons.
    """
    lasting: list[EndpointError] = []

    def end(task: Wanted) -> tuple[Wanted, R | Exception]:
        if lasting:
            return task, lasting[0]
        try:
            return task, do(task)
        except EndpointError as error:
            if error.lasting:
                lasting.append(error)
            return task, error
        except ValueError as error:
            return task, error

    with ThreadPool(jobs) as pool:
        yield from pool.imap_unordered(end, tasks)
