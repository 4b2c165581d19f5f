"""What `score` and `audit` may ask of a simulator, and where one is found.

rewardlang simulates nothing itself. A package that does names a `Simulator`, a class or function
called without arguments, in the entry-point group `rewardlang.simulators`:

    find()                              Simulator
    Simulator.recordings(path, scene)   RecordedEpisode ...   a file of recorded episodes
    Simulator.open(scene)               Simulation            a scene to act in
    Simulation.play(script, ...)        RecordedEpisode       what somebody does there
    Simulation.mover()                  Mover                 a hand that does as it is told
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from rewardlang.motions import Command
from rewardlang.scene import Scene
from rewardlang.state import Requirements, Snapshot

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GROUP = "rewardlang.simulators"
_REMEDY = "pip install 'rewardlang[libero]' brings LIBERO's"


class SimulatorError(RuntimeError):
    """A file, scene or state that a simulator cannot use; the text names it and says why."""


class OtherSceneError(SimulatorError):
    """A file whose episodes are of another scene than the one asked for."""


class UnsupportedScriptError(SimulatorError):
    """A simulator cannot act out a script in this scene; the text says why."""


class UnsupportedCommandError(SimulatorError):
    """A simulator has no motion for a command in this scene; the text says why."""


class Act(StrEnum):
    """What can be acted out. All but the first earn what they can without doing the task."""

    DEMONSTRATION = "demonstration"  # the benchmark's own goal, reached
    IDLE = "idle"  # nothing, the fingers open
    HOVER = "hover"  # the hand right above the item, or above the handle of a part
    HOVER_BETWEEN = "hover between"  # the hand above the middle between item and target
    GRASP_AND_RELEASE = "grasp and release"  # the item, again and again
    LIFT_AND_HOLD = "lift and hold"  # the item, to the end
    PUSH_OFF = "push off"  # the item, away from the target and off what it stands on
    WRONG_OBJECT = "wrong object"  # the item, which is not the task's, put where that belongs
    OPEN_AND_CLOSE = "open and close"  # the part, or on and off, again and again
    THROW = "throw"  # the item, lifted and let go on the move towards the target


@dataclass(frozen=True, slots=True)
class Script:
    """An act with the things it is about, by the scene's names; empty where there are none."""

    act: Act
    item: str = ""
    target: str = ""

    def __str__(self) -> str:
        things = ", ".join(name for name in (self.item, self.target) if name)
        return f"{self.act} ({things})" if things else str(self.act)


@dataclass(frozen=True, slots=True)
class Replay:
    """A recorded episode of T control steps: what was true after settling and after each step.

    `native_success` is the benchmark's goal as rewardlang compiles it, read from the same states.
    """

    snapshots: tuple[Snapshot, ...]  # (T + 1,)
    native_success: tuple[bool, ...]  # (T + 1,)


class Frames(Protocol):
    """The camera's pictures of an episode. Number i belongs to snapshot i, or nearly so."""

    def __len__(self) -> int: ...

    def read(self, indices: Sequence[int]) -> list[NDArray[np.uint8]]:
        """The pictures (H, W, 3) with these numbers: RGB, the first row on top."""
        ...


class RecordedEpisode(Protocol):
    """An episode in a file, and what the file itself says of it; or one that was just played."""

    @property
    def file(self) -> str:
        """The file, or the scene in which it was played."""
        ...

    @property
    def name(self) -> str:
        """What the file calls the episode."""
        ...

    @property
    def solved(self) -> bool | None:
        """Whether the file says that the episode succeeded; None where it says nothing."""
        ...

    @property
    def frames(self) -> Frames | None:
        """None where the file has no pictures."""
        ...

    def replay(self, requirements: Requirements) -> Replay:
        """The episode's states as snapshots. Nothing is simulated. Raises BindError."""
        ...

    def benchmark_success(self) -> tuple[bool, ...]:
        """What the benchmark's own code says of each of these states (T + 1,).

        It is what compiled success is held against: nothing that rewardlang compiled may have a
        part in it. Raises SimulatorError.
        """
        ...


class Mover(Protocol):
    """Does as it is told, one control step at a time, in one episode."""

    def act(self, command: Command) -> Sequence[float]:
        """The action for what the simulation shows now. Raises UnsupportedCommandError."""
        ...

    def describe(self, command: Command) -> str:
        """What the hand does towards `command`, and how far it has come, in words."""
        ...


class Simulation(Protocol):
    """One scene to act in. `reset` it first."""

    @property
    def scene(self) -> Scene: ...

    def reset(self, split: str, index: int) -> None:
        """Restore an initial state and let it settle. Raises SimulatorError for an unknown one."""
        ...

    def step(self, action: Sequence[float]) -> None:
        """One control step. Raises SimulatorError where the physics diverges."""
        ...

    def play(self, script: Script, split: str, index: int, max_steps: int) -> RecordedEpisode:
        """Act out `script` from an initial state, until the benchmark's success at most.

        Raises UnsupportedScriptError, and SimulatorError for an unknown state.
        """
        ...

    def mover(self) -> Mover:
        """A hand to be told what to do, from the present state on, which is a reset one."""
        ...

    def reader(self, requirements: Requirements) -> Callable[[], Snapshot]:
        """A function that takes a snapshot of the present state. Raises BindError."""
        ...

    def native_success(self) -> bool:
        """The benchmark's goal as rewardlang compiles it, now."""
        ...

    def close(self) -> None: ...


class Simulator(Protocol):
    """A source of simulations and of recorded episodes."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """What the names of files with recorded episodes end in."""
        ...

    def max_steps(self, scene: Scene) -> int:
        """The longest episode of the scene in control steps. Raises SimulatorError."""
        ...

    def states(self, scene: Scene) -> Mapping[str, int]:
        """Number of initial states per split: "train", "validation", "test"."""
        ...

    def open(self, scene: Scene) -> Simulation:
        """The scene in the simulator. Raises SimulatorError."""
        ...

    def recordings(self, path: Path, scene: Scene) -> Sequence[RecordedEpisode]:
        """The episodes of a file.

        Raises OtherSceneError where they are not of `scene`, SimulatorError with everything else
        that is wrong with the file.
        """
        ...


def find() -> Simulator:
    """The installed simulator; of several, the first by name.

    Raises SimulatorError, naming what to install, where there is none.
    """
    found = sorted(entry_points(group=GROUP), key=lambda entry: entry.name)
    if not found:
        raise SimulatorError(f"no simulator is installed: {_REMEDY}")
    try:
        simulator: Simulator = found[0].load()()
    except ImportError as error:
        what = error.name or str(error)
        raise SimulatorError(
            f"the simulator `{found[0].name}` needs {what}, which is not installed: {_REMEDY}"
        ) from error
    return simulator
