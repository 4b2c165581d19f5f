"""Bytes of the machine's own memory: simulators, cameras, the learner, and the images kept."""

from __future__ import annotations

from dataclasses import dataclass

from tgrpo.capacity import LEARNER_MEMORY, WORKER_MEMORY
from tgrpo.trajectory import Camera

DRAWN_TASK_MEMORY = 5 * 10**8  # a task with its textures, in a process that draws it


@dataclass(frozen=True, slots=True)
class HostMemory:
    simulators: int
    renderers: int
    learner: int
    images: int  # uint8, of all decisions of an iteration: as episodes, and joined for the update

    @property
    def peak(self) -> int:
        return self.simulators + self.renderers + self.learner + self.images


def host_memory(workers: int, decisions: int, cameras: tuple[Camera, ...] = ()) -> HostMemory:
    """Of `workers` simulator processes and an iteration of `decisions` with an image of each
    camera.
    """
    frame = sum(height * width * depth for height, width, depth in (c.shape for c in cameras))
    return HostMemory(
        simulators=workers * WORKER_MEMORY,
        renderers=workers * DRAWN_TASK_MEMORY if cameras else 0,
        learner=LEARNER_MEMORY,
        images=2 * decisions * frame,
    )
