"""How far a control step of ours is from LIBERO's, from the same state and with the same action.

Episodes are acted out on our stepper: the scripted demonstrator where it knows the goal, and
scripts that grasp, drop and push the objects and open and close a part. From each episode control
steps are taken at even distances; before each, both steppers are put into the very same state
(qpos, qvel, warm start, ctrl, time, the controller's goal and orientation, the gripper's command).

Where the hand is pressed hard into an object, MuJoCo's contact points jump on a change of one bit.
So each pair that differs by more than 1e-6 is run again on our stepper alone, with the arm's
velocities nudged by at most two units in the last place: `own_spread` is how far that moves it.

    python benchmarks/stepper_agreement.py [--suites libero_goal ...] [--tasks 5] [--pairs 120]

Prints a table, writes `--out`, and prints JSON as the last line; `--json` prints that alone.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import rewardlang
from rewardlang import Act, Script
from tgrpo.files import write_json
from tgrpo.libero_package import versions
from tgrpo.scripted.exploits import Controller, controller
from tgrpo.simulation.envs import Simulation
from tgrpo.simulation.initial_states import InitialState, load_states
from tgrpo.simulation.stepper import ARM_JOINTS
from tgrpo.tasks import Task, suite_tasks, suites

RESULTS = Path(__file__).parents[1] / "docs" / "results" / "stepper_agreement.json"
SUITES = ("libero_spatial", "libero_object", "libero_goal", "libero_10")
TOLERANCE = 1e-6  # m or rad in qpos
EPISODES = 4  # of one task
NUDGES = 8

_FIELDS = ("qpos", "qvel", "qacc_warmstart", "ctrl")


@dataclass(frozen=True)
class Moment:
    """Everything on which one control step depends, and the action taken there."""

    arrays: tuple[np.ndarray, ...]  # of mjData, as `_FIELDS`
    time: float
    goal: np.ndarray  # (3,) the controller's
    goal_rotation: np.ndarray  # (3, 3)
    gripper: np.ndarray  # (2,)
    action: np.ndarray  # (7,)

    @classmethod
    def of(cls, ours: Simulation, action: np.ndarray) -> Moment:
        arrays = tuple(getattr(ours.data, field).copy() for field in _FIELDS)
        memory = ours._stepper.memory
        kept = (memory.goal.copy(), memory.goal_rotation.copy(), memory.gripper.copy())
        return cls(arrays, ours.data.time, *kept, action)

    def put_into_ours(self, simulation: Simulation) -> None:
        self._put_into_data(simulation)
        memory = simulation._stepper.memory
        memory.goal[...], memory.goal_rotation[...] = self.goal, self.goal_rotation
        memory.gripper[...] = self.gripper

    def put_into_theirs(self, simulation: Simulation) -> None:
        self._put_into_data(simulation)
        robot = simulation._stepper.environment.robots[0]
        robot.controller.goal_pos = self.goal.copy()
        robot.controller.goal_ori = self.goal_rotation.copy()
        robot.gripper.current_action = self.gripper.copy()

    def _put_into_data(self, simulation: Simulation) -> None:
        for field, value in zip(_FIELDS, self.arrays, strict=True):
            getattr(simulation.data, field)[:] = value
        simulation.data.time = self.time


@dataclass(frozen=True)
class Pair:
    """Largest differences after one control step from equal states."""

    task: str
    script: str
    step: int
    qpos: float
    qvel: float
    touches_arm: bool  # the arm or the gripper touches something else
    own_spread: float | None = None  # only where `qpos` is above the tolerance


@dataclass(frozen=True)
class Agreement:
    """All pairs of one suite."""

    suite: str
    tasks: int
    pairs: int
    touching: float  # share of pairs in which the arm touches something
    qpos_median: float
    qpos_999: float  # 99.9th percentile
    qpos_max: float
    qvel_999: float
    qvel_max: float
    above_tolerance: int
    above_without_touch: int

    @classmethod
    def of(cls, suite: str, pairs: Sequence[Pair]) -> Agreement:
        qpos, qvel = (np.array([getattr(p, field) for p in pairs]) for field in ("qpos", "qvel"))
        above = [pair for pair in pairs if pair.qpos > TOLERANCE]
        return cls(
            suite=suite,
            tasks=len({pair.task for pair in pairs}),
            pairs=len(pairs),
            touching=round(float(np.mean([pair.touches_arm for pair in pairs])), 3),
            qpos_median=float(np.median(qpos)),
            qpos_999=float(np.quantile(qpos, 0.999)),
            qpos_max=float(qpos.max()),
            qvel_999=float(np.quantile(qvel, 0.999)),
            qvel_max=float(qvel.max()),
            above_tolerance=len(above),
            above_without_touch=sum(not pair.touches_arm for pair in above),
        )


@dataclass(frozen=True)
class Episode:
    script: Script
    state: InitialState
    moments: tuple[Moment, ...]

    def steps(self, count: int) -> list[int]:
        """At most `count` control steps at even distances, the first and the last among them."""
        last = len(self.moments) - 1
        return np.unique(np.linspace(0, last, count).round().astype(int)).tolist()


def compare(task: Task, pairs: int) -> list[Pair]:
    """About `pairs` of one task, evenly over its episodes and over each one's steps."""
    ours, theirs = Simulation(task), Simulation(task, stepper="libero")
    states = load_states(task, "train")[:EPISODES]
    episodes = list(itertools.islice(_episodes(ours, states), EPISODES))
    found: list[Pair] = []
    for episode in episodes:
        ours.reset(episode.state)
        theirs.reset(episode.state)  # its fixtures; a controller that is no longer new
        steps = episode.steps(-(-pairs // len(episodes)))
        found += [_pair(ours, theirs, episode, step) for step in steps]
    ours.close()
    theirs.close()
    return found


def _episodes(ours: Simulation, states: Sequence[InitialState]) -> Iterator[Episode]:
    """Those that can be acted out, again from other states where there are few."""
    for state in states:
        for script in _scripts(ours.scene):
            with contextlib.suppress(rewardlang.UnsupportedScriptError):
                ours.reset(state)
                yield Episode(script, state, tuple(_play(ours, controller(ours, script))))


def _scripts(scene: rewardlang.Scene) -> Iterator[Script]:
    """A demonstration, then what touches things; those of the goal come first."""
    goal = {name for atom in scene.goal for name in atom}
    parts = [name for name in scene.kinds if rewardlang.handle_of(scene, name) is not None]
    movable = [item.name for item in scene.objects if not item.fixture]
    yield Script(Act.DEMONSTRATION)
    for part in sorted(parts, key=lambda name: name not in goal)[:1]:
        yield Script(Act.OPEN_AND_CLOSE, part)
    for item in sorted(movable, key=lambda name: name not in goal)[:2]:
        yield Script(Act.GRASP_AND_RELEASE, item)
        yield Script(Act.PUSH_OFF, item)


def _play(ours: Simulation, acting: Controller) -> list[Moment]:
    """Acted out until success, for the suite's steps, or until the script gives up."""
    succeeded = rewardlang.native_success(ours.scene).bind(ours.model)
    moments: list[Moment] = []
    with contextlib.suppress(rewardlang.UnsupportedScriptError):
        while len(moments) < ours.task.max_steps and not succeeded(ours.data):
            moments.append(Moment.of(ours, np.clip(acting.act(), -1.0, 1.0)))
            ours.step(moments[-1].action)
    return moments


def _pair(ours: Simulation, theirs: Simulation, episode: Episode, step: int) -> Pair:
    moment = episode.moments[step]
    moment.put_into_ours(ours)
    moment.put_into_theirs(theirs)
    ours.step(moment.action)
    theirs.step(moment.action)
    qpos = float(np.abs(ours.data.qpos - theirs.data.qpos).max())
    qvel = float(np.abs(ours.data.qvel - theirs.data.qvel).max())
    touches = _touches_arm(ours)
    spread = _own_spread(ours, moment) if qpos > TOLERANCE else None
    return Pair(ours.task.id, str(episode.script), step, qpos, qvel, touches, spread)


def _touches_arm(simulation: Simulation) -> bool:
    """Whether the arm or the gripper touches anything but itself."""
    model, pairs = simulation.model, simulation.data.contact.geom
    names = [[model.body(model.geom_bodyid[geom]).name for geom in pair] for pair in pairs]
    arm = np.array([[name.startswith(("robot0", "gripper0")) for name in pair] for pair in names])
    return bool(arm.size and (arm.any(axis=1) & ~arm.all(axis=1)).any())


def _own_spread(ours: Simulation, moment: Moment) -> float:
    """Spread of qpos after our own step, the arm's velocities nudged by rounding errors."""
    rng = np.random.default_rng(0)
    dof = [ours.model.joint(name).dofadr[0] for name in ARM_JOINTS]
    ends = []
    for nudge in [np.zeros(7), *rng.integers(-2, 3, (NUDGES, 7))]:
        moment.put_into_ours(ours)
        ours.data.qvel[dof] *= 1 + nudge * np.finfo(float).eps
        ours.step(moment.action)
        ends.append(ours.data.qpos.copy())
    return float(np.ptp(ends, axis=0).max())


def line(item: Agreement) -> str:
    return (
        f"{item.suite:15} {item.tasks:5} {item.pairs:6} {item.touching:8.0%} "
        f"{item.qpos_median:9.1e} {item.qpos_999:9.1e} {item.qpos_max:9.1e} "
        f"{item.qvel_999:9.1e} {item.qvel_max:9.1e} {item.above_tolerance:8}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--suites", nargs="+", default=list(SUITES), choices=suites())
    parser.add_argument("--tasks", type=int, default=5, help="of each suite, evenly spaced")
    parser.add_argument("--pairs", type=int, default=120, help="(state, action) pairs of each task")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    arguments = parser.parse_args()
    say = (lambda _: None) if arguments.json else functools.partial(print, flush=True)
    say(
        f"{'suite':15} {'tasks':>5} {'pairs':>6} {'touching':>8} {'qpos: med':>9} {'99.9 %':>9} "
        f"{'max':>9} {'qvel 99.9':>9} {'max':>9} {'> 1e-6':>8}"
    )
    results, above = [], []
    for suite in arguments.suites:
        tasks = suite_tasks(suite)
        chosen = tasks[:: max(1, len(tasks) // arguments.tasks)][: arguments.tasks]
        pairs = [p for task in chosen for p in compare(task, arguments.pairs)]
        results.append(Agreement.of(suite, pairs))
        above += [asdict(pair) for pair in pairs if pair.qpos > TOLERANCE]
        say(line(results[-1]))
    document = {
        "tolerance": TOLERANCE,
        "versions": versions(),
        "suites": [asdict(item) for item in results],
        "pairs_above_tolerance": above,
    }
    write_json(arguments.out, document)
    print(json.dumps(document))


if __name__ == "__main__":
    main()
