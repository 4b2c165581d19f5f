"""Which of how many processes this one is, as torchrun says. Nothing here imports torch."""

from __future__ import annotations

import os
from dataclasses import dataclass

from tgrpo.capacity import cores


@dataclass(frozen=True, slots=True)
class Place:
    """A process among those of a run, and among those on its machine."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1

    @property
    def cores(self) -> int:
        """What this process may use of its machine, where the others learn as well."""
        return max(1, cores() // self.local_size)


def place() -> Place:
    """The only one, where torchrun did not start this process."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return Place()
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    return Place(*(int(os.environ[name]) for name in names))
