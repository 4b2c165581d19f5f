"""The embedded policy for machines without a GPU: a small transformer over simulator state.

It sees poses, not pixels: the end effector's pose and fingers, every object's pose, category and
name words, and the instruction's words. Nothing it reads comes from the goal, the program or the
reward; which object is meant follows from the instruction alone, by words that instruction and
object name share. Objects carry no number and no position in a list: permuting them changes
nothing.

    instruction words ─ encoder ─┐ once per task
    object words ─ find themselves in the instruction ─ role of each object
    robot token + one token per object (pose features + name + role) ─ transformer ─ robot token
    robot token ─ head: 7 dimensions of each action, one after the other, 256 bins each
"""

from __future__ import annotations

import copy
from functools import lru_cache, partial

import torch
from torch import Tensor

from tgrpo.policies.observations import Observations
from tgrpo.policies.small import SmallPolicy
from tgrpo.policies.tiny_network import (
    MAX_WORDS,
    ActionHead,
    GroundedObjects,
    Grounding,
    TinyConfig,
    Trunk,
)
from tgrpo.policies.tiny_sampler import TinySampler, weights_of
from tgrpo.policies.vocabulary import Vocabulary, object_words
from tgrpo.trajectory import Camera, TaskContext


class TinyPolicy(SmallPolicy):
    """See `tgrpo.policies.base.Policy`. Equal seeds give bitwise equal initial weights."""

    kind = "tiny"
    cameras: tuple[Camera, ...] = ()

    def __init__(self, config: TinyConfig | None = None, *, seed: int = 0) -> None:
        super().__init__()
        self.config = config or TinyConfig()
        self._vocabulary = Vocabulary(self.config.words, self.config.unknown_word_buckets)
        with torch.random.fork_rng(devices=[]):  # leaves the global generator as it was
            torch.manual_seed(seed)
            self.grounding = Grounding(self.config, len(self._vocabulary))
            self.trunk = Trunk(self.config)
            self.head = ActionHead(self.config)

    def sampler(self) -> TinySampler:
        ground = partial(_ground, self._vocabulary, copy.deepcopy(self.grounding))
        weights = weights_of(self.trunk, self.head)
        return TinySampler(weights, self.config.heads, self.chunk, ground)

    def hidden(self, context: TaskContext, seen: Observations) -> Tensor:
        words = _ground(self._vocabulary, self.grounding, context)
        return self.trunk(words, seen.robot, seen.objects)


def _ground(vocabulary: Vocabulary, grounding: Grounding, context: TaskContext) -> GroundedObjects:
    device = grounding.places.device
    grounded: GroundedObjects = grounding(
        *(rows.to(device) for rows in _word_rows(vocabulary, context))
    )
    return grounded


@lru_cache(maxsize=256)
def _word_rows(vocabulary: Vocabulary, context: TaskContext) -> tuple[Tensor, Tensor, Tensor]:
    """Rows of the instruction's words (n,), of the objects' (K, m), and which of those exist."""
    items = zip(context.object_names, context.object_categories, strict=True)
    names = [vocabulary.rows(object_words(*item)) for item in items]
    longest = max(len(rows) for rows in names)
    padded = torch.tensor([rows + [0] * (longest - len(rows)) for rows in names])
    lengths = torch.tensor([len(rows) for rows in names])
    present = (torch.arange(longest) < lengths[:, None]).float()
    return torch.tensor(vocabulary.rows(context.instruction)[:MAX_WORDS]), padded, present
