"""A small policy that sees: two of LIBERO's cameras, the instruction, and where its own hand is.

What it feels is the end effector's pose and the fingers' joints, as the tiny policy's robot token
has them. Poses, names and numbers of objects do not reach it. Actions are the same 256 bins, one
dimension after the other. Made to train on a machine like the tiny policy's, from images that cost
a hundred times more than its state.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from tgrpo.actions import decode
from tgrpo.interrupts import deferred
from tgrpo.policies.base import check_noise
from tgrpo.policies.observations import Observations
from tgrpo.policies.small import SmallPolicy
from tgrpo.policies.threads import threads
from tgrpo.policies.tiny_kernels import choose
from tgrpo.policies.tiny_network import MAX_WORDS, ActionHead, Reading
from tgrpo.policies.tiny_sampler import head_weights_of, noise_of
from tgrpo.policies.tiny_vision_network import VisionConfig, VisionTrunk
from tgrpo.policies.vocabulary import Vocabulary
from tgrpo.trajectory import Camera, Images, TaskContext

CAMERAS = ("agentview", "robot0_eye_in_hand")  # those that LIBERO's own demonstrations have


class TinyVisionPolicy(SmallPolicy):
    """See `tgrpo.policies.base.Policy`. Equal seeds give bitwise equal initial weights."""

    kind = "tiny-vision"
    config: VisionConfig

    def __init__(self, config: VisionConfig | None = None, *, seed: int = 0) -> None:
        super().__init__()
        self.config = config or VisionConfig()
        self._vocabulary = Vocabulary(self.config.words, self.config.unknown_word_buckets)
        with torch.random.fork_rng(devices=[]):  # leaves the global generator as it was
            torch.manual_seed(seed)
            self.reading = Reading(self.config, len(self._vocabulary))
            self.trunk = VisionTrunk(self.config, CAMERAS)
            self.head = ActionHead(self.config)

    @property
    def cameras(self) -> tuple[Camera, ...]:
        size = self.config.image_size
        return tuple(Camera(name, height=size, width=size) for name in CAMERAS)

    def sampler(self) -> TinyVisionSampler:
        return TinyVisionSampler(self.reference().to("cpu"))

    def hidden(self, context: TaskContext, seen: Observations) -> Tensor:
        hidden: Tensor = self.trunk(self.summary(context), seen.robot, seen.images)
        return hidden

    def summary(self, context: TaskContext) -> Tensor:
        """What the instruction says, (width,)."""
        rows = _word_rows(self._vocabulary, context.instruction).to(self.device)
        return self.reading.encode(self.reading.words(rows)).mean(dim=0)


class TinyVisionSampler:
    """See `tgrpo.policies.base.Sampler`. Can be pickled, and shares nothing with the policy.

    Images pass through the network one by one, on a CPU with one thread, so that no row's answer
    depends on the others to the bit. That costs little: drawing an image takes longer.
    """

    def __init__(self, policy: TinyVisionPolicy) -> None:
        """`policy` is the sampler's own, and is on the CPU."""
        self.cameras, self.chunk = policy.cameras, policy.chunk
        self._policy = policy
        self._head = head_weights_of(policy.head)

    def sample(
        self,
        context: TaskContext,
        robot: np.ndarray,
        objects: np.ndarray,
        *,
        temperature: float,
        uniforms: np.ndarray | None = None,
        images: Images | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        check_noise(temperature, uniforms, len(robot), self.chunk)
        assert images is not None, "it acts on what it sees"
        hidden = self._hidden(context, Observations.of(robot, objects, images))
        tokens: np.ndarray
        log_probs: np.ndarray
        with deferred():
            tokens, log_probs = choose(
                self._head, hidden, noise_of(uniforms), float(temperature or 1.0)
            )
        return tokens, log_probs

    def decode(self, context: TaskContext, tokens: np.ndarray) -> np.ndarray:  # noqa: ARG002 - alike in all tasks
        return decode(tokens)

    def _hidden(self, context: TaskContext, seen: Observations) -> np.ndarray:
        with torch.inference_mode(), threads(1):
            summary = self._policy.summary(context)
            rows = (seen[row : row + 1] for row in range(len(seen)))
            hidden = [self._policy.trunk(summary, row.robot, row.images) for row in rows]
            return np.ascontiguousarray(torch.cat(hidden).numpy())


@lru_cache(maxsize=256)
def _word_rows(vocabulary: Vocabulary, instruction: str) -> Tensor:
    return torch.tensor(vocabulary.rows(instruction)[:MAX_WORDS])
