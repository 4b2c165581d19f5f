"""PPO (arXiv 1707.06347) with a small critic: the reference from outside, not group-relative.

Advantages by GAE in place of z-scores over a group; all else, from the clip to the KL to the SFT
policy, is the skeleton of the others. Every decision weighs the same, whatever its trajectory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from tgrpo.config import CriticConfig, LearnerConfig
from tgrpo.policies.base import Policy
from tgrpo.training.clipped import ClippedLearner
from tgrpo.training.critic import Critic, below
from tgrpo.training.losses import equal_weights
from tgrpo.training.ranks import ALONE, Ranks
from tgrpo.trajectory import Group


class PPOLearner:
    """See `Learner`. The critic learns after the policy, from the same groups.

    It is small, and each rank has the whole of it; the policy follows the first rank's.
    """

    def __init__(
        self,
        policy: Policy,
        reference: Policy,
        config: LearnerConfig,
        critic: CriticConfig,
        *,
        temperature: float = 1.0,
        seed: int = 0,
        ranks: Ranks = ALONE,
    ) -> None:
        self._head_start = critic.head_start
        self._critic = Critic(reference, critic, config, seed=seed)
        self._clipped = ClippedLearner(
            policy,
            reference,
            config,
            self._critic.advantages,
            temperature=temperature,
            seed=seed,
            weigh=equal_weights,
            ranks=ranks,
        )

    def update(self, groups: Sequence[Group]) -> dict[str, float]:
        """See `Learner`. The policy rests until the critic has had its head start."""
        if self._critic.fits < self._head_start:
            return {"update/steps": 0.0, **self._critic.fit(groups)}
        return {**self._clipped.update(groups), **self._critic.fit(groups)}

    def state_tensors(self) -> dict[str, Tensor]:
        """See `Learner`."""
        parts = {"policy": self._clipped.state_tensors(), "critic": self._critic.state_tensors()}
        return {f"{part}/{key}": item for part, own in parts.items() for key, item in own.items()}

    def load_state_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        """See `Learner`."""
        self._clipped.load_state_tensors(below("policy", tensors))
        self._critic.load_state_tensors(below("critic", tensors))
