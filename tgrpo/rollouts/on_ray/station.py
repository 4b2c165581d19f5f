"""Room on one node for a collector and its workers, and what is being played there."""

from __future__ import annotations

from typing import Any

import ray
from ray import ObjectRef
from ray.util import placement_group, placement_group_table, remove_placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from tgrpo.rollouts.on_ray.collector import Collector, CollectorSettings, Held
from tgrpo.rollouts.orders import Order


class Station:
    """A placement group that was asked for. `ready` is answered once a node has room for it."""

    def __init__(self, settings: CollectorSettings):
        self._settings = settings
        head = {"CPU": 1.0} | ({"GPU": settings.gpus} if settings.gpus else {})
        bundles = [head, *({"CPU": 1.0} for _ in range(settings.workers))]
        self._room = placement_group(bundles, strategy="STRICT_PACK")
        self.ready: ObjectRef = self._room.ready()
        self.playing: dict[ObjectRef, int] = {}  # answer to come -> number of the order
        self.node = ""  # its identifier, once there is one
        self._collector: Any = None

    @property
    def is_open(self) -> bool:
        return self._collector is not None

    def open(self, lanes: int) -> None:
        """Start the collector, in the room that is there now; it starts its workers."""
        self.node = placement_group_table(self._room)["bundles_to_node_id"][0]
        self._collector = (
            ray.remote(Collector)
            .options(
                num_cpus=1,
                num_gpus=self._settings.gpus,
                max_restarts=0,
                max_concurrency=lanes,
                scheduling_strategy=PlacementGroupSchedulingStrategy(
                    self._room, placement_group_bundle_index=0
                ),
            )
            .remote(self._settings)
        )

    def play(self, number: int, order: Order, weights: Held) -> None:
        self.playing[self._collector.play.remote(order, weights)] = number

    def close(self) -> None:
        """Give the room back; whoever is in it is ended."""
        remove_placement_group(self._room)
