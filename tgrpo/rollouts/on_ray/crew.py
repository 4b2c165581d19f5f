"""All collectors of a run: orders from one queue go to whichever is free.

Room for collectors is asked for as long as there are orders for more of them. A node that joins is
room that was waited for; orders that were with a node that left go back to the head of the queue.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence

import ray
from ray import ObjectRef
from ray.exceptions import RayActorError, RayTaskError

from tgrpo.rollouts.on_ray.actors import ending
from tgrpo.rollouts.on_ray.collector import CollectorSettings, Held, Played
from tgrpo.rollouts.on_ray.session import living_nodes
from tgrpo.rollouts.on_ray.station import Station
from tgrpo.rollouts.orders import Order
from tgrpo.rollouts.workers import FAILURES, WorkerError

_TICK = 1.0  # seconds between two looks at who is there
_LONG = 30.0  # seconds without any collector that are worth a note


class Crew:
    """Up to `most` collectors; None: as many as there is room and work for."""

    def __init__(
        self, settings: CollectorSettings, most: int | None, on_note: Callable[[str], None]
    ):
        self._settings, self._most, self._on_note = settings, most, on_note
        self._stations: list[Station] = []
        self._deaths: dict[str, list[str]] = {}  # task -> nodes where a collector died at it

    @property
    def collectors(self) -> int:
        return sum(station.is_open for station in self._stations)

    def play(
        self, orders: Sequence[Order], weights: Held, on_played: Callable[[Played], None]
    ) -> list[Played]:
        """Play all of `orders`, of one size; results in their order.

        `on_played` is told as they come. Raises WorkerError, NoUsableStateError.
        """
        waiting, played = deque(range(len(orders))), dict[int, Played]()
        alone_since = time.monotonic()
        while len(played) < len(orders):
            self._recruit(len(orders) - len(played))
            self._hand_out(waiting, orders, weights)
            for station, ref in self._arrived():
                if ref is station.ready:
                    station.open(self._settings.slots // orders[0].size)
                elif station in self._stations:  # else it has just been lost
                    number = station.playing[ref]
                    if result := self._received(station, ref, orders, waiting):
                        played[number] = result
                        on_played(result)
            alone_since = self._watch(alone_since)
        return [played[number] for number in range(len(orders))]

    def _received(
        self, station: Station, ref: ObjectRef, orders: Sequence[Order], waiting: deque[int]
    ) -> Played | None:
        """What `ref` stands for; None where its collector is gone and `waiting` has it again."""
        try:
            result = ray.get(ref)
        except RayActorError as error:
            lost = sorted(station.playing.values())
            waiting.extendleft(reversed(lost))
            self._lose(station, {orders[number].task.id for number in lost}, ending(error))
            return None
        except RayTaskError as error:
            raise error.cause from None
        del station.playing[ref]
        return result

    def _lose(self, station: Station, tasks: set[str], how: str) -> None:
        """Forget a collector that is gone. That its node left is no failure of what it played."""
        self._stations.remove(station)
        station.close()
        text = f"a collector is gone ({how})"
        alive = living_nodes()
        for task in sorted(tasks):
            self._deaths.setdefault(task, []).append(station.node)
            failures = sum(node in alive for node in self._deaths[task])
            if failures == FAILURES:
                raise WorkerError(f"{text}, for the {failures}rd time at task {task}; giving up")
        self._on_note(f"{text}; what it played is played again elsewhere")

    def _watch(self, alone_since: float) -> float:
        """Say that there is no room, now and then. Returns since when there has been none."""
        now = time.monotonic()
        if self.collectors:
            return now
        if now - alone_since > _LONG:
            self._on_note(f"waiting for a node with {1 + self._settings.workers} free CPUs")
            return now
        return alone_since

    def close(self) -> None:
        """End every collector, and with it its workers."""
        for station in self._stations:
            station.close()
        self._stations = []

    def _recruit(self, wanted: int) -> None:
        most = wanted if self._most is None else min(wanted, self._most)
        while len(self._stations) < most:
            self._stations.append(Station(self._settings))

    def _hand_out(self, waiting: deque[int], orders: Sequence[Order], weights: Held) -> None:
        """The next orders go where the fewest are being played."""
        lanes = self._settings.slots // orders[0].size
        while waiting:
            free = [item for item in self._stations if item.is_open and len(item.playing) < lanes]
            if not free:
                return
            station = min(free, key=lambda item: len(item.playing))
            number = waiting.popleft()
            station.play(number, orders[number], weights)

    def _arrived(self) -> list[tuple[Station, ObjectRef]]:
        by_ref = {ref: station for station in self._stations for ref in station.playing}
        by_ref |= {item.ready: item for item in self._stations if not item.is_open}
        refs = list(by_ref)
        some, _ = ray.wait(refs, num_returns=1, timeout=_TICK)
        every, _ = ray.wait(refs, num_returns=len(refs), timeout=0) if some else ([], [])
        return [(by_ref[ref], ref) for ref in every]
