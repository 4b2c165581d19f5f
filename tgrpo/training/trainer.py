"""The whole run on one page: programs -> SFT -> (collect, update, validate)* -> test.

Three disjoint sets of initial states: training states feed demonstrations and groups, validation
states choose the checkpoint, test states are looked at once, at the end, by the SFT policy, the
last policy and the validation-best one.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tgrpo.capacity import cores, slots, worker_count
from tgrpo.config import TrainConfig
from tgrpo.files import write_json
from tgrpo.intervals import Interval
from tgrpo.metrics import MetricsWriter
from tgrpo.policies import load_policy, save_policy
from tgrpo.policies.base import Policy
from tgrpo.policies.threads import threads
from tgrpo.programs import TaskProgram
from tgrpo.progress import Forecast, Listener
from tgrpo.rollouts.backend import Backend, LocalBackend
from tgrpo.rollouts.evaluation import Evaluation, EvaluationJob, compare
from tgrpo.rollouts.rollout import Collected
from tgrpo.simulation.initial_states import Split, load_states
from tgrpo.simulation.model_cache import compiled_task
from tgrpo.tasks import Task
from tgrpo.training.algorithms import make_learner
from tgrpo.training.cloning import starting_policy
from tgrpo.training.learner import Learner
from tgrpo.training.planning import group_jobs, initial_rates, plan, rules
from tgrpo.training.run_folder import RunFolder
from tgrpo.training.summaries import (
    evaluation_metrics,
    iteration_line,
    shown,
    summarise,
    validation_line,
)

_SLOW = 2.0  # seconds; a model from the cache takes a hundredth of it


@dataclass(frozen=True, slots=True)
class Candidate:
    """A policy that was tested. `iteration` 0 is the SFT policy."""

    name: str  # "sft", "last", "best": also the checkpoint's
    iteration: int
    evaluation: Evaluation


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What a run came to. `validation` is the history of mean success by iteration."""

    folder: RunFolder
    candidates: tuple[Candidate, ...]  # sft, last, best
    validation: Mapping[int, float]
    seconds: Mapping[str, float]  # where the time of the iterations went, summed

    def of(self, name: str) -> Candidate:
        return next(item for item in self.candidates if item.name == name)

    def gains(self, name: str) -> tuple[Interval, ...]:
        """Per task: success of candidate `name` minus that of SFT, paired over the states."""
        before, after = self.of("sft").evaluation.tasks, self.of(name).evaluation.tasks
        return tuple(compare(*pair) for pair in zip(before, after, strict=True))

    def as_json(self) -> dict[str, Any]:
        return {
            "candidates": {
                item.name: {"iteration": item.iteration, **item.evaluation.as_json()}
                for item in self.candidates
            },
            "gain_over_sft": {
                name: {
                    task.task: [gain.value, gain.low, gain.high]
                    for task, gain in zip(
                        self.of(name).evaluation.tasks, self.gains(name), strict=True
                    )
                }
                for name in ("last", "best")
            },
            "validation": {str(number): value for number, value in self.validation.items()},
            "seconds": dict(self.seconds),
        }


def train(
    config: TrainConfig, programs: Sequence[TaskProgram], folder: RunFolder, listener: Listener
) -> TrainingResult:
    """Train one policy on all `programs` and test it; everything is written to `folder`.

    Raises WorkerError, CheckpointError, DemonstrationFileError, NoUsableStateError, OSError.
    """
    folder.record(config, [item.task for item in programs], programs)
    forecast = Forecast(plan(config, [item.task for item in programs]), initial_rates(config))
    prepare([item.task for item in programs], listener)
    with (
        MetricsWriter(folder.path) as metrics,
        make_backend(config, slots(config), listener) as backend,
    ):
        return _Run(config, tuple(programs), folder, listener, forecast, metrics, backend).whole()


def make_backend(config: TrainConfig, slots: int, listener: Listener) -> Backend:
    """The simulators of a run; the listener hears of every worker that is replaced."""
    return LocalBackend(
        worker_count(config),
        slots,
        stepper=config.stepper,
        patience=config.worker_patience,
        on_loss=listener.note,
    )


def prepare(tasks: Sequence[Task], listener: Listener) -> None:
    """Compile each task's model before several workers want it at the same time."""
    for number, task in enumerate(tasks, start=1):
        start = time.perf_counter()
        compiled_task(task)
        if time.perf_counter() - start > _SLOW:
            listener.note(
                f"compiled the model of {task.id}, for all runs to come ({number}/{len(tasks)})"
            )


class _Run:
    """The parts of one run and what they share."""

    def __init__(
        self,
        config: TrainConfig,
        programs: tuple[TaskProgram, ...],
        folder: RunFolder,
        listener: Listener,
        forecast: Forecast,
        metrics: MetricsWriter,
        backend: Backend,
    ):
        self.config, self.programs, self.folder = config, programs, folder
        self.listener, self.forecast, self.metrics = listener, forecast, metrics
        self.backend = backend
        self.shown: dict[str, str] = {}  # latest results, for the progress line
        self.phase: Mapping[str, str] = {}  # what the current phase is about
        self.seconds: dict[str, float] = {}

    def whole(self) -> TrainingResult:
        tasks = [item.task for item in self.programs]
        policy = starting_policy(
            self.config, tasks, self.folder, self.forecast, self.listener, self.metrics
        )
        self._save("sft", policy, 0)
        learner = make_learner(policy, self.config)
        choice = _Choice()
        self._validate(policy, choice, 0)
        for iteration in range(1, self.config.iterations + 1):
            self._iterate(policy, learner, iteration)
            self._save("last", policy, iteration)
            if self._is_validated(iteration):
                self._validate(policy, choice, iteration)
        return self._test(policy, choice)

    def _iterate(self, policy: Policy, learner: Learner, iteration: int) -> None:
        with self._phase("train", {"iteration": f"{iteration}/{self.config.iterations}"}):
            collected = self._collect(policy, iteration)
            start = time.perf_counter()
            with threads(cores()):
                update = learner.update(collected.groups)
            seconds = {**collected.seconds, "update": time.perf_counter() - start}
        for name, value in seconds.items():
            self.seconds[name] = self.seconds.get(name, 0.0) + value
        summary = summarise(collected, self.programs)
        timing = {f"seconds/{name}": value for name, value in seconds.items()}
        self.metrics.write("train", iteration, {**summary, **update, **timing})
        self.shown |= shown(summary)
        self.listener.note(iteration_line(iteration, self.config.iterations, summary, seconds))

    def _collect(self, policy: Policy, iteration: int) -> Collected:
        return self.backend.collect(
            policy,
            group_jobs(self.config, self.programs, iteration),
            rules(self.config, iteration),
            on_steps=self._on_steps,
        )

    def _is_validated(self, iteration: int) -> bool:
        every = self.config.evaluation.validate_every
        return iteration % every == 0 or iteration == self.config.iterations

    def _validate(self, policy: Policy, choice: _Choice, iteration: int) -> None:
        episodes = self.config.evaluation.validation_episodes
        with self._phase("validate", {"iteration": f"{iteration}/{self.config.iterations}"}):
            evaluation = self._evaluate(policy, "validation", episodes)
        self.metrics.write("validation", iteration, evaluation_metrics(evaluation))
        self.shown["validation"] = f"{evaluation.mean_success:.0%}"
        better = choice.offer(iteration, evaluation)
        if better:
            self._save("best", policy, iteration)
        self.listener.note(validation_line(iteration, evaluation, better))

    def _test(self, policy: Policy, choice: _Choice) -> TrainingResult:
        last = self.config.iterations
        tested: dict[int, Evaluation] = {}
        candidates = []
        for name, iteration in (("sft", 0), ("last", last), ("best", choice.iteration)):
            if iteration not in tested:
                tested[iteration] = self._test_checkpoint(name)
                self.metrics.write(f"test-{name}", iteration, evaluation_metrics(tested[iteration]))
            candidates.append(Candidate(name, iteration, tested[iteration]))
        if last == 0:
            self._save("last", policy, 0)
        result = TrainingResult(self.folder, tuple(candidates), choice.history, self.seconds)
        write_json(self.folder.results, result.as_json())
        return result

    def _test_checkpoint(self, name: str) -> Evaluation:
        # Read back from disk: what is reported is what the user can load.
        policy, _ = load_policy(self.folder.checkpoint(name))
        with self._phase("test", {"policy": name}):
            return self._evaluate(policy, "test", self.config.evaluation.test_episodes)

    def _evaluate(self, policy: Policy, split: Split, episodes: int) -> Evaluation:
        jobs = [
            EvaluationJob(item.task, load_states(item.task, split)[:episodes], item.program)
            for item in self.programs
        ]
        size = self.config.evaluation.batch_size
        return self.backend.evaluate(policy, jobs, batch_size=size, on_steps=self._on_steps)

    def _save(self, name: str, policy: Policy, iteration: int) -> None:
        extra = {"iteration": iteration, "tasks": [item.task.id for item in self.programs]}
        save_policy(self.folder.checkpoint(name), policy, extra=extra)

    @contextlib.contextmanager
    def _phase(self, name: str, values: Mapping[str, str]) -> Iterator[None]:
        self.forecast.begin(name)
        self.phase = values
        yield
        self.forecast.end()

    def _on_steps(self, steps: int) -> None:
        self.forecast.add(steps)
        self.listener.status(self.forecast.status({**self.phase, **self.shown}))


class _Choice:
    """The best checkpoint by validation: success, then Φ, then the later one. SFT may be it."""

    def __init__(self) -> None:
        self.iteration = 0
        self.history: dict[int, float] = {}
        self._best: tuple[float, float] | None = None

    def offer(self, iteration: int, evaluation: Evaluation) -> bool:
        """Take note of a validation; whether it is the best so far."""
        phi = sum(item.mean_phi for item in evaluation.tasks)
        score = (evaluation.mean_success, phi)
        self.history[iteration] = evaluation.mean_success
        if self._best is not None and score < self._best:
            return False
        self._best, self.iteration = score, iteration
        return True
