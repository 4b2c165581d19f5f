"""What a run is going to do: sizes, groups of each iteration, phases and the time they take."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tgrpo.capacity import CONTROL_STEPS_PER_SECOND, cores, worker_count
from tgrpo.config import TrainConfig
from tgrpo.programs import TaskProgram
from tgrpo.progress import Phase, Unit
from tgrpo.rollouts.rollout import GroupJob, Rules
from tgrpo.simulation.initial_states import load_states
from tgrpo.tasks import Task
from tgrpo.training.cloning import DEFAULT_COUNT

# Until a run has measured its own: one core of an ordinary machine.
GRADIENT_STEPS_PER_SECOND = 12.0
EXPECTED_SHARE_OF_STEPS = 0.5  # of the suite's maximum, in a group or an evaluation
DEMONSTRATION_STEPS = 80
DRAWING_SECONDS = 0.1  # the images of a step, on a CPU


def group_jobs(
    config: TrainConfig, programs: Sequence[TaskProgram], iteration: int
) -> list[GroupJob]:
    """The groups of an iteration: tasks in turn, training states in an order keyed by the seed."""
    rng = np.random.default_rng((config.seed, 2, iteration))
    orders = [rng.permutation(len(load_states(item.task, "train"))) for item in programs]
    rollout, first = config.rollout, (iteration - 1) * config.rollout.groups_per_iteration
    turns = math.ceil(rollout.groups_per_iteration / len(programs)) + 1
    jobs = []
    for number in range(rollout.groups_per_iteration):
        turn, index = divmod(first + number, len(programs))
        task, states = programs[index].task, load_states(programs[index].task, "train")
        order = _dealt(orders[index], turn - first // len(programs), turns)
        jobs.append(
            GroupJob(
                number=number,
                task=task,
                program=programs[index].program,
                candidates=tuple(states[state] for state in order),
                max_steps=rollout.max_steps or task.max_steps,
            )
        )
    return jobs


def _dealt(order: np.ndarray, turn: int, turns: int) -> np.ndarray:
    """The states of one of a task's `turns` groups, in the order that they are tried.

    Its first is entry `turn`, as of no other group; those it is replaced by come from behind the
    firsts of all groups, and each group begins at another place of them.
    """
    mine, firsts, rest = turn % len(order), order[:turns], order[turns:]
    rolled = np.roll(rest, -(turn * (len(rest) // turns)))
    candidates = np.concatenate((order[mine : mine + 1], rolled, firsts))
    return candidates[np.sort(np.unique(candidates, return_index=True)[1])]


def rules(config: TrainConfig, iteration: int) -> Rules:
    """What holds for the groups of an iteration."""
    rollout = config.rollout
    return Rules(
        rollout.group_size,
        rollout.temperature,
        rollout.stop,
        config.seed,
        iteration,
        resample=rollout.dynamic_sampling,
        run_on=rollout.measure_stop,
    )


def plan(config: TrainConfig, tasks: Sequence[Task], *, after: int | None = None) -> list[Phase]:
    """Every phase of a run in order, with the work expected of it; those `after` an iteration."""
    evaluation = config.evaluation
    validate = _episodes("validate", tasks, evaluation.validation_episodes * len(tasks))
    arms = config.rollout.group_size * config.rollout.groups_per_iteration
    phases = [*(start_plan(config, tasks) if after is None else ()), validate]
    for iteration in range((after or 0) + 1, config.iterations + 1):
        phases.append(_episodes("train", tasks, arms))
        if iteration % evaluation.validate_every == 0 or iteration == config.iterations:
            phases.append(validate)
    test = _episodes("test", tasks, evaluation.test_episodes * len(tasks))
    return phases + [test] * (1 if config.iterations == 0 else 3)


def sft_plan(config: TrainConfig, tasks: Sequence[Task]) -> list[Phase]:
    """The phases of `tgrpo sft`."""
    episodes = config.evaluation.validation_episodes * len(tasks)
    return [*start_plan(config, tasks), _episodes("validate", tasks, episodes)]


def start_plan(config: TrainConfig, tasks: Sequence[Task]) -> list[Phase]:
    """What it takes to have the policy that training starts from."""
    if config.start_from is not None or config.sft.steps == 0:
        return []
    sft = Phase("sft", config.sft.steps, "gradient steps")
    if config.demonstrations.file is not None:
        return [sft]
    count = (config.demonstrations.count or DEFAULT_COUNT) * len(tasks)
    return [Phase("demonstrate", count * DEMONSTRATION_STEPS, "demonstrator steps"), sft]


def _episodes(name: str, tasks: Sequence[Task], count: int) -> Phase:
    steps = np.mean([task.max_steps for task in tasks]) * EXPECTED_SHARE_OF_STEPS
    return Phase(name, round(count * steps), "control steps")


def initial_rates(config: TrainConfig) -> dict[Unit, float]:
    """Units per second to assume before anything is measured."""
    busy = min(worker_count(config), cores())
    rate = 1 / (1 / CONTROL_STEPS_PER_SECOND + (DRAWING_SECONDS if config.policy.sees else 0.0))
    return {
        "control steps": rate * busy,
        "demonstrator steps": rate,
        "gradient steps": GRADIENT_STEPS_PER_SECOND,
    }
