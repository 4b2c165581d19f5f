"""The whole run on one page: programs -> SFT -> (collect, update, validate)* -> test.

Three disjoint sets of initial states: training states feed demonstrations and groups, validation
states choose the checkpoint, test states are looked at once, at the end, by the SFT policy, the
last policy and the validation-best one.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence

from tgrpo.capacity import slots
from tgrpo.config import TrainConfig
from tgrpo.files import link_file, sweep, write_json
from tgrpo.metrics import MetricsWriter
from tgrpo.policies import load_policy
from tgrpo.policies.base import Policy
from tgrpo.policies.soundness import expect_sound
from tgrpo.policies.threads import threads
from tgrpo.programs import TaskProgram
from tgrpo.progress import Forecast, Listener
from tgrpo.rollouts.backend import Backend
from tgrpo.rollouts.evaluation import Evaluation, EvaluationJob
from tgrpo.rollouts.machines import Machines, open_backend
from tgrpo.rollouts.rollout import Collected
from tgrpo.simulation.initial_states import Split, load_states
from tgrpo.simulation.model_cache import compiled_task
from tgrpo.tasks import Task
from tgrpo.torchrun import place
from tgrpo.trackers import Tracker
from tgrpo.training.algorithms import make_learner, restored_learner
from tgrpo.training.cloning import starting_policy
from tgrpo.training.following import Begin, lead
from tgrpo.training.learner import Learner
from tgrpo.training.planning import group_jobs, initial_rates, plan, rules
from tgrpo.training.ranks import ALONE, Ranks
from tgrpo.training.result import Candidate, TrainingResult
from tgrpo.training.run_folder import RunFolder
from tgrpo.training.run_record import program_hashes, record_resumption, record_start
from tgrpo.training.run_state import (
    Evaluations,
    Mark,
    Score,
    State,
    best_of,
    latest_state,
    save_state,
    score,
    superseded,
)
from tgrpo.training.summaries import (
    evaluation_metrics,
    iteration_line,
    shown,
    stage_shares,
    summarise,
    validation_line,
)
from tgrpo.training.suspicion import Validated, suspicious

_SLOW = 2.0  # seconds; a model from the cache takes a hundredth of it


def train(
    config: TrainConfig,
    programs: Sequence[TaskProgram],
    folder: RunFolder,
    listener: Listener,
    ranks: Ranks = ALONE,
) -> TrainingResult:
    """Train one policy on all `programs` and test it; everything is written to `folder`.

    A folder in which a run was begun goes on from where it stands, with `config` and `programs` in
    the place of what they were (`resuming` says which changes keep the run the same). Of several
    `ranks` this is the first; the others `follow`.

    Raises RunInUseError, WorkerError, CheckpointError, DemonstrationFileError, NoUsableStateError,
    UnsoundPolicyError, RankLostError, DiskFullError, OSError.
    """
    with folder.locked():
        sweep(folder.path)
        state = latest_state(folder, listener.note)
        iteration = None if state is None else state.mark.iteration
        if folder.record.is_file():
            record_resumption(folder, config, programs, iteration)
        else:
            record_start(folder, config, [item.task for item in programs], programs)
        phases = plan(config, [item.task for item in programs], after=iteration)
        prepare([item.task for item in programs], listener)
        with (
            MetricsWriter(
                folder.path,
                keep=state.mark.metrics if state else 0,
                trackers=_trackers(config, folder),
            ) as metrics,
            open_backend(Machines.of(config), slots(config), listener.note) as backend,
        ):
            forecast = Forecast(phases, initial_rates(config))
            run = _Run(config, tuple(programs), folder, listener, forecast, metrics, backend, ranks)
            return run.whole(state)


def prepare(tasks: Sequence[Task], listener: Listener) -> None:
    """Compile each task's model before several workers want it at the same time."""
    for number, task in enumerate(tasks, start=1):
        start = time.perf_counter()
        compiled_task(task)
        if time.perf_counter() - start > _SLOW:
            listener.note(
                f"compiled the model of {task.id}, for all runs to come ({number}/{len(tasks)})"
            )


def _trackers(config: TrainConfig, folder: RunFolder) -> list[Tracker]:
    settings = config.model_dump(mode="json")
    return [Tracker(name, folder.path.name, settings) for name in config.log]


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
        ranks: Ranks,
    ):
        self.config, self.programs, self.folder = config, programs, folder
        self.listener, self.forecast, self.metrics = listener, forecast, metrics
        self.backend, self.ranks = backend, ranks
        self.shown: dict[str, str] = {}  # latest results, for the progress line
        self.phase: Mapping[str, str] = {}  # what the current phase is about
        self.seconds: dict[str, float] = {}
        self.evaluations = Evaluations(folder, program_hashes(programs))
        self.scores: dict[int, Score] = {}  # of the validations so far

    def whole(self, state: State | None) -> TrainingResult:
        """All of the run, or what is left of it after `state`."""
        policy, learner, iteration = self._begin() if state is None else self._go_on(state)
        expect_sound(policy, [item.task for item in self.programs])
        self.evaluations.forget_after(iteration)
        self.scores = {
            number: score(evaluation)
            for number, evaluation in self.evaluations.until("validation", iteration - 1).items()
        }
        self._validate_if_due(policy, iteration)
        while iteration < self.config.iterations:
            iteration += 1
            self._iterate(policy, learner, iteration)
            self._save(policy, learner, iteration)
            self._validate_if_due(policy, iteration)
            self._remove_superseded()
        return self._test()

    def _begin(self) -> tuple[Policy, Learner, int]:
        tasks = [item.task for item in self.programs]
        policy = starting_policy(
            self.config, tasks, self.folder, self.forecast, self.listener, self.metrics
        )
        learner = make_learner(policy, self.config, ranks=self.ranks)
        self._save(policy, learner, 0)
        return policy, self._led(learner, policy, 0), 0

    def _go_on(self, state: State) -> tuple[Policy, Learner, int]:
        policy, iteration = state.policy, state.mark.iteration
        learner = restored_learner(state, self.config, self.ranks)
        self.seconds = dict(state.mark.seconds)
        link_file(self.folder.state(iteration), self.folder.checkpoint("last"))
        self.listener.note(f"going on after iteration {iteration}")
        return policy, self._led(learner, policy, iteration), iteration

    def _led(self, learner: Learner, policy: Policy, iteration: int) -> Learner:
        run = Begin(self.config, self.folder, iteration)
        return lead(learner, policy, run, self.ranks)

    def _iterate(self, policy: Policy, learner: Learner, iteration: int) -> None:
        with self._phase("train", {"iteration": f"{iteration}/{self.config.iterations}"}):
            collected = self._collect(policy, iteration)
            start = time.perf_counter()
            with threads(place().cores):
                update = learner.update(collected.groups)
            seconds = {**collected.seconds, "update": time.perf_counter() - start}
        for name, value in seconds.items():
            self.seconds[name] = self.seconds.get(name, 0.0) + value
        summary = summarise(collected, self.programs)
        timing = {f"seconds/{name}": value for name, value in seconds.items()}
        self.metrics.write("train", iteration, {**summary, **update, **timing})
        self.shown |= shown(summary)
        self.listener.note(iteration_line(iteration, self.config.iterations, summary, seconds))
        self.listener.stages(stage_shares(collected, self.programs))

    def _collect(self, policy: Policy, iteration: int) -> Collected:
        return self.backend.collect(
            policy,
            group_jobs(self.config, self.programs, iteration),
            rules(self.config, iteration),
            on_steps=self._on_steps,
        )

    def _validate_if_due(self, policy: Policy, iteration: int) -> None:
        done = self.evaluations.read("validation", iteration)
        every = self.config.evaluation.validate_every
        last = iteration == self.config.iterations
        # Without scores there would be no best: so it is after the programs were edited.
        if done or last or iteration % every == 0 or not self.scores:
            self._validate(policy, iteration, done)

    def _validate(self, policy: Policy, iteration: int, done: Evaluation | None) -> None:
        if done is None:
            episodes = self.config.evaluation.validation_episodes
            with self._phase("validate", {"iteration": f"{iteration}/{self.config.iterations}"}):
                done = self._evaluate(policy, "validation", episodes)
            self.evaluations.write("validation", iteration, done)
        self.metrics.write("validation", iteration, evaluation_metrics(done))
        self.shown["validation"] = f"{done.mean_success:.0%}"
        self.scores[iteration] = score(done)
        best = best_of(self.scores)
        link_file(self.folder.state(best), self.folder.checkpoint("best"))
        self.listener.note(validation_line(iteration, done, best == iteration))
        if warning := suspicious(self._history()):
            self.listener.note(warning)

    def _history(self) -> list[Validated]:
        count = len(self.programs)
        return [
            Validated(iteration, success, phi / count)
            for iteration, (success, phi) in self.scores.items()
        ]

    def _test(self) -> TrainingResult:
        iterations = {"sft": 0, "last": self.config.iterations, "best": best_of(self.scores)}
        tested: dict[int, Evaluation] = {}
        for name, iteration in iterations.items():
            if iteration not in tested:
                tested[iteration] = self._test_checkpoint(name, iteration)
                self.metrics.write(f"test-{name}", iteration, evaluation_metrics(tested[iteration]))
        candidates = [
            Candidate(name, iteration, tested[iteration]) for name, iteration in iterations.items()
        ]
        history = {number: success for number, (success, _) in self.scores.items()}
        result = TrainingResult(self.folder, tuple(candidates), history, self.seconds)
        write_json(self.folder.results, result.as_json())
        return result

    def _test_checkpoint(self, name: str, iteration: int) -> Evaluation:
        if done := self.evaluations.read("test", iteration):
            return done
        # Read back from disk: what is reported is what the user can load.
        policy, _ = load_policy(self.folder.checkpoint(name))
        with self._phase("test", {"policy": name}):
            evaluation = self._evaluate(policy, "test", self.config.evaluation.test_episodes)
        self.evaluations.write("test", iteration, evaluation)
        return evaluation

    def _evaluate(self, policy: Policy, split: Split, episodes: int) -> Evaluation:
        jobs = [
            EvaluationJob(item.task, load_states(item.task, split)[:episodes], item.program)
            for item in self.programs
        ]
        size = self.config.evaluation.batch_size
        return self.backend.evaluate(policy, jobs, batch_size=size, on_steps=self._on_steps)

    def _save(self, policy: Policy, learner: Learner, iteration: int) -> None:
        self.metrics.sync()
        mark = Mark(iteration, self.metrics.lines, self.seconds, program_hashes(self.programs))
        save_state(self.folder, policy, learner.state_tensors(), mark)

    def _remove_superseded(self) -> None:
        kept = self.config.keep_checkpoints
        for iteration in superseded(self.folder.iterations(), self.scores, kept):
            self.folder.state(iteration).unlink()

    @contextlib.contextmanager
    def _phase(self, name: str, values: Mapping[str, str]) -> Iterator[None]:
        self.forecast.begin(name)
        self.phase = values
        yield
        self.forecast.end()

    def _on_steps(self, steps: int) -> None:
        self.forecast.add(steps)
        self.listener.status(self.forecast.status({**self.phase, **self.shown}))
