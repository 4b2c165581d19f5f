"""Workers that are Ray actors, in the placement group of the collector that asks for them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence

import ray
from ray import ObjectRef
from ray.actor import ActorHandle
from ray.exceptions import RayError
from ray.util import get_current_placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from tgrpo.rollouts.episodes import StepperName
from tgrpo.rollouts.hosting import Command, Failure, Host, Report
from tgrpo.rollouts.links import LinkBrokenError

_HostActor = ray.remote(num_cpus=1, max_restarts=0)(Host)


class ActorLink:
    """A `Host` that is an actor. Ray keeps the order of its calls."""

    def __init__(self, actor: ActorHandle):
        self._actor = actor
        self.answers: deque[ObjectRef] = deque()

    def send(self, command: Command) -> None:
        self.answers.append(self._actor.answer.remote(command))

    def receive(self) -> Report | Failure:
        try:
            return ray.get(self.answers.popleft())
        except RayError as error:
            raise LinkBrokenError(ending(error)) from None

    def ask_to_leave(self) -> None:
        """An actor has nothing to put away."""

    def end(self) -> None:
        self.kill()

    def kill(self) -> None:
        ray.kill(self._actor)


class Actors:
    """Bundle 0 of the placement group is the collector's, each of the others a worker's."""

    def __init__(self, stepper: StepperName):
        self._stepper: StepperName = stepper
        self._room = get_current_placement_group()

    def start(
        self,
        number: int,
        slots: tuple[int, ...],  # noqa: ARG002 - processes need them; an actor shares no memory
    ) -> ActorLink:
        place = PlacementGroupSchedulingStrategy(
            self._room, placement_group_bundle_index=1 + number
        )
        return ActorLink(_HostActor.options(scheduling_strategy=place).remote(self._stepper))

    def wait(self, links: Sequence[ActorLink], timeout: float) -> list[ActorLink]:
        asked = {link.answers[0]: link for link in links if link.answers}
        if not asked:
            time.sleep(timeout)
            return []
        refs = list(asked)
        some, _ = ray.wait(refs, num_returns=1, timeout=timeout)
        every, _ = ray.wait(refs, num_returns=len(refs), timeout=0) if some else ([], [])
        return [asked[ref] for ref in every]


def ending(error: RayError) -> str:
    """What Ray says of the end of an actor, without names that mean nothing to a reader."""
    said = [line.strip() for line in str(error).splitlines()]
    told = [line for line in said if line.startswith("The actor") and "unexpectedly" not in line]
    return (told or said or [type(error).__name__])[-1].split(" Worker exit type:")[0]
