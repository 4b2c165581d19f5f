"""Algorithms by name: what turns the groups of an iteration into an update of the policy."""

from __future__ import annotations

from tgrpo.config import TrainConfig
from tgrpo.policies.base import Policy
from tgrpo.training.learner import Learner
from tgrpo.training.levels import levels


def make_learner(policy: Policy, config: TrainConfig) -> Learner:
    """The learner of `config.algorithm`. It changes `policy`, and stays near what it is now."""
    return Learner(
        policy,
        policy.frozen_copy(),
        config.learner,
        levels(config.algorithm, config.learner),
        temperature=config.rollout.temperature,
        seed=config.seed,
    )
