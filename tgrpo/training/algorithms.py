"""Algorithms by name: what turns the groups of an iteration into an update of the policy."""

from __future__ import annotations

from functools import partial

from tgrpo.config import TrainConfig
from tgrpo.policies.base import Policy
from tgrpo.training.clipped import ClippedLearner
from tgrpo.training.learner import Learner
from tgrpo.training.levels import advantages, levels
from tgrpo.training.ppo import PPOLearner
from tgrpo.training.preference import PreferenceLearner
from tgrpo.training.preferences import score_pairs, success_pairs


def make_learner(policy: Policy, config: TrainConfig, reference: Policy | None = None) -> Learner:
    """The learner of `config.algorithm`. It changes `policy`.

    It stays near `reference`, the policy before RL: a copy of `policy` as it is now, if None.
    """
    parts = (policy, reference or policy.reference(), config.learner)
    heat, seed = config.rollout.temperature, config.seed
    preference = config.preference
    match config.algorithm:
        case "dpo":
            return PreferenceLearner(
                *parts, success_pairs, beta=preference.beta, temperature=heat, seed=seed
            )
        case "grape":
            prefer = partial(score_pairs, config=preference)
            return PreferenceLearner(
                *parts, prefer, beta=preference.beta, temperature=heat, seed=seed
            )
        case "ppo":
            return PPOLearner(*parts, config.critic, temperature=heat, seed=seed)
        case compared:
            weights = levels(compared, config.learner)
            estimate = partial(advantages, config=config.learner, weights=weights)
            return ClippedLearner(*parts, estimate, temperature=heat, seed=seed)
