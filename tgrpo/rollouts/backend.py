"""Where episodes are played: the trainer hands over a policy and jobs, and gets results back.

Every backend gives the same results, whatever the number of its workers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Protocol, Self

from tgrpo.closing import Closing
from tgrpo.policies.base import Policy
from tgrpo.policies.threads import threads
from tgrpo.rollouts.batches import evaluate
from tgrpo.rollouts.episodes import StepperName
from tgrpo.rollouts.evaluation import Evaluation, EvaluationJob
from tgrpo.rollouts.lockstep import OnSteps
from tgrpo.rollouts.rollout import Collected, GroupJob, Rules, collect
from tgrpo.rollouts.workers import PATIENCE, Pool


class Backend(Protocol):
    """Simulators and whatever asks the policy for them. Closed by `close` or a `with` block."""

    @property
    def workers(self) -> int:
        """Processes that simulate, now."""
        ...

    def collect(
        self, policy: Policy, jobs: Sequence[GroupJob], rules: Rules, *, on_steps: OnSteps = ...
    ) -> Collected:
        """Play the groups of an iteration. Raises WorkerError, NoUsableStateError."""
        ...

    def evaluate(
        self,
        policy: Policy,
        jobs: Sequence[EvaluationJob],
        *,
        batch_size: int,
        on_steps: OnSteps = ...,
    ) -> Evaluation:
        """Play every state of every job greedily. Raises WorkerError."""
        ...

    def close(self) -> None:
        """Leave no process behind. Safe to call twice."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class LocalBackend(Closing):
    """Processes of this machine; this one asks the policy. See `Pool` for the arguments."""

    def __init__(
        self,
        workers: int,
        slots: int,
        *,
        stepper: StepperName = "fast",
        patience: float = PATIENCE,
        on_loss: Callable[[str], None] = lambda _: None,
    ):
        self._pool = Pool(workers, slots, stepper=stepper, patience=patience, on_loss=on_loss)

    @property
    def workers(self) -> int:
        return self._pool.workers

    def collect(
        self,
        policy: Policy,
        jobs: Sequence[GroupJob],
        rules: Rules,
        *,
        on_steps: OnSteps = lambda _: None,
    ) -> Collected:
        with threads(1):  # the workers have the other cores
            return collect(policy.sampler(), self._pool, jobs, rules, on_steps=on_steps)

    def evaluate(
        self,
        policy: Policy,
        jobs: Sequence[EvaluationJob],
        *,
        batch_size: int,
        on_steps: OnSteps = lambda _: None,
    ) -> Evaluation:
        with threads(1):
            sampler = policy.sampler()
            return evaluate(sampler, self._pool, jobs, batch_size=batch_size, on_steps=on_steps)

    def close(self) -> None:
        self._pool.close()
