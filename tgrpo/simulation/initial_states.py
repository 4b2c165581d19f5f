"""Initial states: where every body stands when an episode begins, before settling.

An initial state is more than LIBERO's state vector: each reset also draws poses of fixtures,
which live in the model. Three disjoint sets per task: training and validation states come from
LIBERO's own placement sampler under recorded seeds; the test states are LIBERO's 50 fixed ones,
with the fixtures of seed 0 (first reset of a fresh process).

A file also holds the seeds whose draws were rejected, see `THROWN`.

libero_object and libero_spatial are shipped; other suites' states are generated on first use,
into the cache. `python -m tgrpo.simulation.initial_states libero_object ...` writes the shipped
files anew.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

import mujoco
import numpy as np

from tgrpo.files import replace_file
from tgrpo.libero_package import import_libero, libero_path, make_environment
from tgrpo.simulation.model_cache import environment_objects
from tgrpo.simulation.state_files import shipped_file, state_file
from tgrpo.simulation.stepper import FastStepper
from tgrpo.tasks import PERTURBED, SETTLING_ACTION, SETTLING_STEPS, Task, suite_tasks

logger = logging.getLogger(__name__)

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)
COUNTS: dict[Split, int] = {"train": 150, "validation": 50, "test": 50}
# Of the sampler: a split's states are drawn under consecutive seeds. Test: of the fixtures.
FIRST_SEED: dict[Split, int] = {"train": 1_000_000, "validation": 2_000_000, "test": 0}
# LIBERO's sampler now and then puts two objects into each other, which throws one off the table;
# LIBERO pruned such states from its fixed ones. A draw is rejected, and its seed recorded, if some
# object has moved further than this (m, horizontally) within a second and a half.
THROWN = 0.1
_WATCHED_STEPS = 30
_MOST_DRAWS = 2000
_FORMAT = 1


@dataclass(frozen=True)
class InitialState:
    """State of one episode's beginning.

    `qpos` (nq,), `qvel` (nv,); `fixtures`: body name -> pose (7,), position (m) and quaternion
    wxyz. `seed` is the placement sampler's (test: that of the fixtures). `time` (s) is part of
    LIBERO's state vector. `success_at_reset`: LIBERO's goal holds already after settling.
    """

    split: Split
    index: int
    qpos: np.ndarray
    qvel: np.ndarray
    fixtures: Mapping[str, np.ndarray]
    seed: int
    time: float = 0.0
    success_at_reset: bool = False


class InitialStatesError(RuntimeError):
    """A file of initial states cannot be read, or a sampler found no placement."""


@cache
def load_states(task: Task, split: Split) -> tuple[InitialState, ...]:
    """The initial states of one split: 150 train, 50 validation or 50 test.

    Raises InitialStatesError for a damaged file, and for other states than those for tests of a
    perturbed suite; ValueError for an unknown split.
    """
    if split not in SPLITS:
        raise ValueError(f"unknown split {split!r}; there are {', '.join(SPLITS)}")
    if split not in _splits(task):
        raise InitialStatesError(
            f"{task.suite} is LIBERO-PRO's, for evaluation: it has test states, no {split} states"
        )
    path = state_file(task)
    if not path.is_file():
        logger.info("generating initial states of %s once, into %s", task.id, path)
        generate_states(task, path)
    return tuple(state for state in _read(path) if state.split == split)


def generate_states(task: Task, path: Path) -> None:
    """Draw all states of `task` from LIBERO and write them to `path`. Takes a minute.

    Reseeds numpy's global generator, the only one that LIBERO's sampler knows.
    """
    environment = make_environment(task.bddl_file, arm_noise=True)
    try:
        sampler = _Sampler(environment)
        fixtures = sampler.fixtures_of_fresh_process(FIRST_SEED["test"])
        states = [
            sampler.state_from_vector(vector, index, fixtures)
            for index, vector in enumerate(_fixed_states(task))
        ]
        for split in _splits(task)[1:]:
            states += itertools.islice(sampler.states(split), COUNTS[split])
    finally:
        environment.close()
    if sampler.rejected:
        logger.info("%s: rejected the draws of seeds %s", task.id, sampler.rejected)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, lambda temporary: _write(temporary, states, sampler.rejected))


def _splits(task: Task) -> tuple[Split, ...]:
    """Test states, and those that the placement sampler draws: none of a perturbed suite."""
    return ("test",) if task.suite in PERTURBED else ("test", "train", "validation")


def _fixed_states(task: Task) -> np.ndarray:
    """LIBERO's own initial states for evaluation: (50, 1 + nq + nv) time, qpos, qvel."""
    path = libero_path("init_states") / task.suite / f"{task.name}.pruned_init"
    return import_libero("benchmark").load_initial_states(path)


class _Sampler:
    """LIBERO's placement sampler on one environment, without rebuilding the model.

    A hard reset appends the samplers of joint positions once more to a list that the environment
    keeps, so that the n-th reset draws differently from the first. Here that list holds each
    sampler once, and fixtures stand where the model puts them before each draw: a seed gives the
    same state whatever was drawn before.
    """

    def __init__(self, environment: Any):
        self.environment = environment
        self.inner = environment.env
        self.rejected: list[int] = []  # seeds, in the order of drawing

    def fixtures_of_fresh_process(self, seed: int) -> dict[str, np.ndarray]:
        """Fixture poses after the first `env.reset()` under `seed`. Call before anything else."""
        self.environment.seed(seed)
        self._reset()
        fixtures = self._fixtures()
        self._stop_rebuilding()
        return fixtures

    def _stop_rebuilding(self) -> None:
        inner = self.inner
        inner.hard_reset = False
        samplers = inner.object_property_initializers
        inner.object_property_initializers = list({item.name: item for item in samplers}.values())
        model = self.model = inner.sim.model._model
        self.data = inner.sim.data._data
        objects = environment_objects(self.environment)
        self._fixed = [model.body(entry.body).id for entry in objects if entry.fixture]
        self._movable = [model.body(entry.body).id for entry in objects if not entry.fixture]
        untouched = mujoco.MjModel.from_xml_string(inner.model.get_xml())
        self._unmoved = untouched.body_pos[self._fixed], untouched.body_quat[self._fixed]
        self._stepper = FastStepper(model, self.data, self.environment.robots[0].init_qpos)

    def _reset(self) -> None:
        """`env.reset()`, again where the sampler finds no place, as LIBERO's wrapper does."""
        from robosuite.utils.errors import RandomizationError

        for _ in range(100):
            try:
                self.inner.reset()
            except RandomizationError:
                continue
            return
        raise InitialStatesError("LIBERO's sampler found no placement in 100 attempts")

    def _fixtures(self) -> dict[str, np.ndarray]:
        """Pose (7,) by body name of every fixture now."""
        model = self.inner.sim.model._model
        bodies = [model.body(e.body) for e in environment_objects(self.environment) if e.fixture]
        return {body.name: np.concatenate([body.pos, body.quat]) for body in bodies}

    def states(self, split: Split) -> Iterator[InitialState]:
        """The split's states, numbered, without the draws that throw an object."""
        index = 0
        for seed in range(FIRST_SEED[split], FIRST_SEED[split] + _MOST_DRAWS):
            state = self.sample(split, index, seed)
            if state is None:
                self.rejected.append(seed)
            else:
                yield state
                index += 1
        raise InitialStatesError(
            f"{_MOST_DRAWS} draws of LIBERO's sampler gave {index} usable states for {split}; "
            f"in the others an object moved by more than {THROWN} m"
        )

    def sample(self, split: Split, index: int, seed: int) -> InitialState | None:
        """The state that the placement sampler draws under `seed`; None where it is thrown."""
        self.model.body_pos[self._fixed], self.model.body_quat[self._fixed] = self._unmoved
        self.environment.seed(seed)
        self._reset()
        qpos, qvel, time = self.data.qpos.copy(), self.data.qvel.copy(), self.data.time
        fixtures = self._fixtures()
        mujoco.mj_forward(self.model, self.data)
        before = self.data.xpos[self._movable, :2].copy()
        success = self._success_after_settling()
        moved = self._farthest(before)
        self._settle(_WATCHED_STEPS - SETTLING_STEPS)
        if max(moved, self._farthest(before)) > THROWN:
            return None
        return InitialState(split, index, qpos, qvel, fixtures, seed, time, success)

    def _farthest(self, before: np.ndarray) -> float:
        """How far (m, along x or y) some movable object is from where it was."""
        return float(np.abs(self.data.xpos[self._movable, :2] - before).max())

    def state_from_vector(
        self, vector: np.ndarray, index: int, fixtures: Mapping[str, np.ndarray]
    ) -> InitialState:
        """A fixed test state: LIBERO's vector with the fixtures of a fresh process."""
        nq = self.model.nq
        for name, pose in fixtures.items():
            self.model.body(name).pos, self.model.body(name).quat = pose[:3], pose[3:]
        self.inner.sim.reset()
        self.environment.set_state(vector)
        success = self._success_after_settling()
        qpos, qvel = vector[1 : nq + 1], vector[nq + 1 :]
        seed = FIRST_SEED["test"]
        return InitialState("test", index, qpos, qvel, fixtures, seed, float(vector[0]), success)

    def _success_after_settling(self) -> bool:
        self._stepper.reset()
        self._settle(SETTLING_STEPS)
        return bool(self.inner._check_success())

    def _settle(self, steps: int) -> None:
        for _ in range(steps):
            self._stepper.step(SETTLING_ACTION)


def _write(path: Path, states: Sequence[InitialState], rejected: Sequence[int]) -> None:
    names = list(states[0].fixtures)
    poses = [np.array([state.fixtures[name] for name in names]) for state in states]
    with path.open("wb") as stream:
        np.savez_compressed(
            stream,
            format=np.array(_FORMAT),
            split=np.array([state.split for state in states]),
            index=np.array([state.index for state in states]),
            seed=np.array([state.seed for state in states]),
            rejected_seeds=np.array(rejected, dtype=np.int64),
            time=np.array([state.time for state in states]),
            qpos=np.array([state.qpos for state in states]),
            qvel=np.array([state.qvel for state in states]),
            success_at_reset=np.array([state.success_at_reset for state in states]),
            fixture_names=np.array(names, dtype=np.str_),
            fixture_poses=np.array(poses).reshape(len(states), len(names), 7),
        )


@cache
def _read(path: Path) -> tuple[InitialState, ...]:
    try:
        with np.load(path, allow_pickle=False) as file:
            table = {key: file[key] for key in file.files}
        if table["format"] != _FORMAT:
            raise ValueError(f"format {table['format']}, not {_FORMAT}")
        return tuple(_state(table, row) for row in range(len(table["index"])))
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise InitialStatesError(
            f"{path} is not a file of initial states ({error}); "
            "delete it and it will be generated anew"
        ) from error


def _state(table: dict[str, np.ndarray], row: int) -> InitialState:
    poses = zip(table["fixture_names"], table["fixture_poses"][row], strict=True)
    return InitialState(
        split=str(table["split"][row]),  # type: ignore[arg-type]  # one of `SPLITS`, as written
        index=int(table["index"][row]),
        qpos=_frozen(table["qpos"][row]),
        qvel=_frozen(table["qvel"][row]),
        fixtures={str(name): _frozen(pose) for name, pose in poses},
        seed=int(table["seed"][row]),
        time=float(table["time"][row]),
        success_at_reset=bool(table["success_at_reset"][row]),
    )


def _frozen(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def main(suites: Iterable[str]) -> None:
    """Write the shipped files of `suites`."""
    for suite in suites:
        for task in suite_tasks(suite):
            generate_states(task, shipped_file(task))
            print(f"{task.id}: {shipped_file(task).stat().st_size / 1e3:.0f} kB", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write the shipped initial states.")
    parser.add_argument("suites", nargs="+")
    logging.basicConfig(level=logging.INFO)
    main(parser.parse_args().suites)
