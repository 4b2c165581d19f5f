"""Algorithms by name: what turns the groups of an iteration into an update of the policy."""

from __future__ import annotations

from functools import partial
from typing import TypedDict

from tgrpo.config import TrainConfig
from tgrpo.policies.base import Policy
from tgrpo.training.clipped import ClippedLearner
from tgrpo.training.learner import Learner
from tgrpo.training.levels import advantages, levels
from tgrpo.training.ppo import PPOLearner
from tgrpo.training.preference import PreferenceLearner
from tgrpo.training.preferences import score_pairs, success_pairs
from tgrpo.training.ranks import ALONE, Ranks
from tgrpo.training.run_state import State


class _Common(TypedDict):
    """What every learner is told."""

    temperature: float
    seed: int
    ranks: Ranks


def make_learner(
    policy: Policy, config: TrainConfig, reference: Policy | None = None, ranks: Ranks = ALONE
) -> Learner:
    """The learner of `config.algorithm`. It changes `policy`.

    It stays near `reference`, the policy before RL: a copy of `policy` as it is now, if None.
    """
    parts = (policy, reference or policy.reference(), config.learner)
    common = _Common(temperature=config.rollout.temperature, seed=config.seed, ranks=ranks)
    preference = config.preference
    match config.algorithm:
        case "dpo":
            return PreferenceLearner(*parts, success_pairs, beta=preference.beta, **common)
        case "grape":
            prefer = partial(score_pairs, config=preference)
            return PreferenceLearner(*parts, prefer, beta=preference.beta, **common)
        case "ppo":
            return PPOLearner(*parts, config.critic, **common)
        case compared:
            weights = levels(compared, config.learner)
            estimate = partial(advantages, config=config.learner, weights=weights)
            return ClippedLearner(*parts, estimate, **common)


def restored_learner(state: State, config: TrainConfig, ranks: Ranks = ALONE) -> Learner:
    """The learner of a run that stands at `state`. It changes `state.policy`."""
    # A copy of the reference, because after SFT both are one.
    learner = make_learner(state.policy, config, state.reference.reference(), ranks)
    learner.load_state_tensors(state.learner)
    return learner
