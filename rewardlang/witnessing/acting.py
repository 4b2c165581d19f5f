"""One episode in which a hand does, in each stage, what the stage asks for.

Which stage's turn it is, the program's own evaluator says after every control step: the first of
those that are being worked on. So whatever a `while` sends back is done again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from rewardlang.codegen.readings import Reading
from rewardlang.motions import Command, Motion
from rewardlang.runtime.evaluator import RewardFn
from rewardlang.runtime.readings import Readings
from rewardlang.simulator import Mover, Simulation, SimulatorError, UnsupportedCommandError
from rewardlang.state import Snapshot
from rewardlang.witnessing.plan import Plan
from rewardlang.witnessing.shortfalls import holds, readings

Row = Mapping[Reading, float]


class Ending(StrEnum):
    """How following a program ended."""

    SATISFIED = "satisfied"
    STUCK = "not satisfied"
    NO_MOTION = "no motion known"


@dataclass
class Log:
    """What an episode leaves behind while it goes on; T control steps.

    snapshots, native   (T + 1,) the states, and whether the benchmark's goal holds in them
    turns               (T,) the stage that was followed, "" where all are finished; one more where
                        the episode ended before a step of it
    rows                stage -> what its conditions were worth whenever it was followed
    doing               stage -> what the hand did there last, in words
    trouble             what ended the episode early, in words
    """

    snapshots: list[Snapshot]
    native: list[bool]
    turns: list[str] = field(default_factory=list)
    rows: dict[str, list[Row]] = field(default_factory=dict)
    doing: dict[str, str] = field(default_factory=dict)
    trouble: str = ""
    ending: Ending = Ending.STUCK


class Actor:
    """Follows one program in a simulation, episode by episode."""

    def __init__(self, simulation: Simulation, reward_fn: RewardFn, plan: Plan, max_steps: int):
        self._simulation, self._reward_fn, self._plan = simulation, reward_fn, plan
        self._max_steps = max_steps
        self._readings = Readings([r for aims in plan.values() for r in readings(aims)])
        self._snapshot = simulation.reader(reward_fn.evaluator.requirements(simulation.scene))
        self._reading = simulation.reader(self._readings.requirements)

    def act(self) -> Log:
        """From the present state, a reset one, to success or to the end."""
        log = Log([self._snapshot()], [self._simulation.native_success()])
        memory = self._reward_fn.reset(log.snapshots[0])
        mover, look = self._simulation.mover(), self._look()
        while len(log.snapshots) <= self._max_steps:
            stage, command = self._turn(self._reward_fn.stages(memory), row := look())
            log.turns.append(stage)
            log.rows.setdefault(stage, []).append(row)
            if not self._step(log, mover, stage, command):
                return log
            result, memory = self._reward_fn(log.snapshots[-1], memory)
            if result.success:
                log.ending = Ending.SATISFIED
                return log
        return log

    def _look(self) -> Callable[[], Row]:
        """What all conditions are worth in the present state: to be called once in each."""
        first = self._reading()
        look = self._readings.follow(first)
        return lambda: look(self._reading())

    def _turn(self, stages: tuple[str, ...], row: Row) -> tuple[str, Command | None]:
        """The first stage that can be followed, and what is to be done.

        That is for its first condition that is false; where all hold already, what the last one
        asks for is kept up: the stage may want it for longer. No command: none can be followed.
        """
        if not stages:
            return "", Command(Motion.WAIT)
        for path in stages:
            aims = self._plan[path]
            false = next((aim for aim in aims if not holds(aim, row)), None)
            command = false.command if false else aims[-1].command or Command(Motion.WAIT)
            if command is not None:
                return path, command
        return stages[0], None

    def _step(self, log: Log, mover: Mover, stage: str, command: Command | None) -> bool:
        """One control step; False where there is none."""
        if command is None:
            log.ending = Ending.NO_MOTION
            return False
        try:
            self._simulation.step(mover.act(command))
        except UnsupportedCommandError as error:
            log.ending, log.trouble = Ending.NO_MOTION, str(error)
            return False
        except SimulatorError as error:
            log.trouble = str(error)
            return False
        log.snapshots.append(self._snapshot())
        log.native.append(self._simulation.native_success())
        log.doing[stage] = mover.describe(command)
        return True
