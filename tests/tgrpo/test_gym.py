"""LIBERO as Gymnasium environments: Gymnasium's checks, and its own vector environment as rival."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env, data_equivalence
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import rewardlang
from tests.tgrpo.gym_programs import DOWN, TASK, write_quick_program
from tgrpo.gym import ENV_ID, LiberoEnv, LiberoVectorEnv
from tgrpo.programs import ProgramsError
from tgrpo.simulation.envs import Simulation
from tgrpo.simulation.initial_states import load_states
from tgrpo.simulation.rendering import Renderer
from tgrpo.tasks import UnknownTaskError, find_task
from tgrpo.trajectory import Camera

pytestmark = pytest.mark.sim

SHIPPED = Path(__file__).parents[2] / "tasks" / f"{TASK}.rl"


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_quick_program(tmp_path_factory.mktemp("programs"))


@pytest.fixture(scope="module")
def envs() -> Iterator[LiberoVectorEnv]:
    """Two environments that no test breaks."""
    made = LiberoVectorEnv(SHIPPED, num_envs=2, workers=1)
    yield made
    made.close()


# ---------------------------------------------------------------- Gymnasium's checks


def test_the_single_environment_passes_gymnasiums_checker() -> None:
    env = gymnasium.make(ENV_ID, task=SHIPPED)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_env(env.unwrapped)
    env.close()
    # Positions have no bounds: an object may fall off the table.
    told = {re.sub(r"\x1b\[\d+m", "", str(item.message)) for item in caught}
    assert {text for text in told if "infinity" not in text} == set()


def test_a_render_mode_shows_what_the_camera_sees_upright() -> None:
    camera = Camera("frontview", 24, 40)
    env = LiberoEnv(TASK, render_mode="rgb_array", camera=camera)
    with pytest.raises(ResetNeeded):
        env.render()
    env.reset(seed=0, options={"state": 3})
    first = env.render()
    assert first is not None
    env.step(DOWN)
    assert (env.render() != first).any()
    env.close()
    renderer = Renderer()
    simulation = Simulation(find_task(TASK), renderer=renderer)
    simulation.reset(load_states(simulation.task, "train")[3])
    np.testing.assert_array_equal(simulation.look((camera,))["frontview"][::-1], first)
    simulation.close()
    renderer.close()


def test_an_unknown_render_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="render_mode is 'rgb_array' or None, not 'human'"):
        LiberoEnv(TASK, render_mode="human")


def test_make_vec_makes_the_vector_environment_without_a_warning(quick: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = gymnasium.make_vec(ENV_ID, num_envs=3, task=quick, workers=1)
    made.close()
    assert isinstance(made, LiberoVectorEnv)
    assert (made.num_envs, made.spec.id) == (3, ENV_ID)


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_it_does_what_gymnasiums_own_vector_of_single_environments_does(
    quick: Path, mode: AutoresetMode
) -> None:
    """Over successes and time limits, states drawn under the seed, and two workers."""
    rival = SyncVectorEnv(
        [lambda: LiberoEnv(quick, max_steps=8) for _ in range(3)], autoreset_mode=mode
    )
    ours = LiberoVectorEnv(quick, num_envs=3, workers=2, max_steps=8, autoreset_mode=mode)
    assert ours.metadata["autoreset_mode"] == rival.metadata["autoreset_mode"]
    for name in ("observation_space", "action_space"):
        assert getattr(ours, name) == getattr(rival, name)
        assert getattr(ours, f"single_{name}") == getattr(rival, f"single_{name}")
    try:
        _same(ours.reset(seed=11), rival.reset(seed=11))
        assert ours.np_random_seed == rival.np_random_seed
        ends = np.zeros(2, int)
        for _ in range(24):
            got, wanted = ours.step(np.tile(DOWN, (3, 1))), rival.step(np.tile(DOWN, (3, 1)))
            _same(got, wanted)
            assert got[0] in ours.observation_space
            ends += got[2].sum(), got[3].sum()
        assert (ends >= 1).all(), f"successes and time limits: {ends}"
        _same(ours.reset(), rival.reset())  # goes on with the streams of the seed
    finally:
        ours.close()
        rival.close()


def _same(got: tuple[Any, ...], wanted: tuple[Any, ...]) -> None:
    assert data_equivalence(got, wanted, exact=True), f"{got}\n{wanted}"


# ---------------------------------------------------------------- what is told


def test_reward_and_info_are_the_programs(envs: LiberoVectorEnv) -> None:
    task = find_task(TASK)
    simulation = Simulation(task)
    program = rewardlang.analyze(SHIPPED.read_text("utf-8")).program
    assert program is not None
    reward_fn = rewardlang.compile(program).bind(
        simulation.model, simulation.scene, max_steps=task.max_steps
    )
    seen = simulation.reset(load_states(task, "train")[3])
    memory = reward_fn.reset(simulation.data)
    observations, infos = envs.reset(options={"state": [5, 3]})
    assert infos["state"].tolist() == [5, 3]
    for number in range(6):
        assert np.array_equal(observations["robot"][1], seen.robot)
        assert np.array_equal(observations["objects"][1], seen.objects)
        action = np.full(7, 0.2 * number - 0.5)
        seen = simulation.step(action)
        step, memory = reward_fn(simulation.data, memory)
        observations, rewards, _, _, infos = envs.step(np.stack([action, action]))
        assert rewards[1] == step.reward != 0.0
        assert infos["phi"][1] == step.phi
        assert infos["stages"][1] == step.stages
        assert infos["success"][1] == step.success
        assert infos["native_success"][1] == step.native_success
        told = {name: values[1] for name, values in infos["terms"].items() if name[0] != "_"}
        assert told == step.terms
        assert len(told) == len(rewardlang.stages(program))


def test_a_task_without_a_program_is_judged_by_libero_alone() -> None:
    env = LiberoEnv(TASK, max_steps=1)
    env.reset(seed=0)
    _, reward, terminated, truncated, info = env.step(DOWN)
    env.close()
    assert (reward, terminated, truncated) == (0.0, False, True)
    assert info["terms"] == {}


# ---------------------------------------------------------------- where episodes begin


def test_a_seed_decides_on_the_states_and_the_next_reset_goes_on(envs: LiberoVectorEnv) -> None:
    def drawn(**arguments: Any) -> list[int]:
        return envs.reset(**arguments)[1]["state"].tolist()

    first, second = drawn(seed=5), drawn()
    assert (drawn(seed=5), drawn()) == (first, second)
    assert first != second
    assert drawn(seed=[9, 5])[1] == first[0]
    assert drawn(seed=6)[0] == first[1]


def test_states_are_those_of_the_split_and_never_test_by_default() -> None:
    for arguments, split in (({}, "train"), ({"split": "validation"}, "validation")):
        env = LiberoEnv(TASK, **arguments)
        assert {state.split for state in env.starts.states} == {split}
        task = find_task(TASK)
        wanted = Simulation(task).reset(load_states(task, split)[7])
        observation, info = env.reset(options={"state": 7})
        assert info["state"] == 7
        assert np.array_equal(observation["objects"], wanted.objects)
        env.close()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stat": 1}, "unknown option of reset: 'stat'; there is 'state'"),
        ({"state": 150}, f"{TASK} has no initial state 150 of split 'train'; there are 0 to 149"),
        ({"state": [0, -1]}, f"{TASK} has no initial state -1 of split 'train'"),
        ({"state": [1, 2, 3]}, "an index, or one for each of 2 environments, not [1, 2, 3]"),
        ({"state": "first"}, "an index, or one for each of 2 environments, not 'first'"),
    ],
)
def test_wrong_options_are_explained(
    envs: LiberoVectorEnv, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        envs.reset(options=options)
    assert envs.reset(options={"state": 1})[1]["state"].tolist() == [1, 1]


# ---------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, ValueError, "a task or a program must be given"),
        ({"task": "nowhere.rl"}, ProgramsError, "nowhere.rl: no such file; a program is asked for"),
        ({"task": SHIPPED, "program": SHIPPED}, ValueError, "two programs are given"),
        ({"task": f"{TASK}s"}, UnknownTaskError, f"did you mean {TASK.partition('/')[2]!r}"),
        (
            {"task": TASK.replace("milk", "butter"), "program": SHIPPED},
            ValueError,
            f"is for {TASK}, not for {TASK.replace('milk', 'butter')}",
        ),
        ({"task": TASK, "max_steps": 0}, ValueError, "max_steps must be at least 1, not 0"),
        ({"task": TASK, "split": "tset"}, ValueError, "unknown split 'tset'; there are train"),
        ({"task": TASK, "num_envs": 0}, ValueError, "num_envs must be at least 1, not 0"),
        (
            {"task": TASK, "autoreset_mode": AutoresetMode.DISABLED},
            ValueError,
            "autoreset mode DISABLED is not supported; there are NEXT_STEP and SAME_STEP",
        ),
    ],
)
def test_wrong_arguments_are_explained(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=re.escape(message)):
        LiberoVectorEnv(**arguments)


def test_a_broken_program_is_shown_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "broken.rl"
    file.write_text(SHIPPED.read_text("utf-8").replace("grasped(milk)", "grasped(milc)"))
    with pytest.raises(ProgramsError, match=r"(?s)unknown-object.*broken\.rl:\d+.*did you mean"):
        LiberoEnv(file)


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        (np.zeros(7), "actions have shape (2, 7), not (7,)"),
        (np.array([[0.0] * 7, [np.nan] * 7]), "the action of environment 1 is not finite: [nan"),
    ],
)
def test_wrong_actions_are_refused_and_the_episode_goes_on(
    envs: LiberoVectorEnv, actions: np.ndarray, message: str
) -> None:
    envs.reset(seed=0)
    with pytest.raises(ValueError, match=re.escape(message)):
        envs.step(actions)
    envs.step(np.zeros((2, 7)))


def test_stepping_before_a_reset_or_after_the_end_is_refused() -> None:
    env = LiberoEnv(TASK, max_steps=1)
    with pytest.raises(ResetNeeded, match="call reset"):
        env.step(DOWN)
    env.reset()
    env.step(DOWN)
    with pytest.raises(ResetNeeded, match="call reset"):
        env.step(DOWN)
    env.close()
    env.close()


# ---------------------------------------------------------------- imports


def test_registering_loads_no_simulator_and_the_environments_no_torch() -> None:
    probe = (
        "import sys, tgrpo.gym as g; print('mujoco' in sys.modules, 'numba' in sys.modules)\n"
        "g.LiberoVectorEnv, g.LiberoEnv; print('mujoco' in sys.modules, 'torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.split() == ["False", "False", "True", "False"]
