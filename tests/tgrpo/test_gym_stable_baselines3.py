"""Stable-Baselines3 on the vector environment; its own `DummyVecEnv` is the rival."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("stable_baselines3")

from gymnasium.utils.env_checker import data_equivalence
from gymnasium.vector import AutoresetMode
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

from tests.tgrpo.gym_programs import DOWN, write_quick_program
from tgrpo.gym import LiberoEnv, LiberoVectorEnv
from tgrpo.gym.stable_baselines3 import GymnasiumVecEnv

pytestmark = pytest.mark.sim

ROOT = Path(__file__).parents[2]


def _reset(env: VecEnv, options: dict[str, int] | None = None) -> object:
    env.seed(11)
    env.set_options(options)
    return env.reset(), env.reset_infos


def test_it_does_what_dummy_vec_env_does_with_single_environments(tmp_path: Path) -> None:
    file = write_quick_program(tmp_path)
    rival = DummyVecEnv([lambda: LiberoEnv(file, max_steps=8) for _ in range(3)])
    ours = GymnasiumVecEnv(
        LiberoVectorEnv(
            file, num_envs=3, workers=2, max_steps=8, autoreset_mode=AutoresetMode.SAME_STEP
        )
    )
    try:
        assert _plain(_reset(ours, {"state": 4})) == _plain(_reset(rival, {"state": 4}))
        assert _plain(_reset(ours)) == _plain(_reset(rival))
        reasons = set()
        for _ in range(24):
            actions = np.tile(DOWN, (3, 1))
            got, wanted = ours.step(actions), rival.step(actions)
            assert data_equivalence(_plain(got[0]), _plain(wanted[0]), exact=True)
            assert np.array_equal(got[1].astype(np.float32), wanted[1])
            assert np.array_equal(got[2], wanted[2])
            assert _plain(got[3]) == _plain(wanted[3])
            assert _plain(ours.reset_infos) == _plain(rival.reset_infos)
            reasons |= {info["TimeLimit.truncated"] for info in np.array(got[3])[got[2]]}
        assert reasons == {True, False}
    finally:
        ours.close()
        rival.close()


def _plain(data: object) -> object:
    """Arrays and numpy's numbers as Python's, which compare by value."""
    match data:
        case dict():
            return {key: _plain(value) for key, value in data.items()}
        case list() | tuple():
            return [_plain(item) for item in data]
        case np.ndarray() | np.generic():
            return data.tolist()
        case _:
            return data


def test_what_it_cannot_do_is_explained(tmp_path: Path) -> None:
    file = write_quick_program(tmp_path)
    later = LiberoVectorEnv(file, num_envs=2, workers=1)
    with pytest.raises(ValueError, match=r"NEXT_STEP; .* needs AutoresetMode\.SAME_STEP"):
        GymnasiumVecEnv(later)
    later.close()
    same = LiberoVectorEnv(file, num_envs=2, workers=1, autoreset_mode=AutoresetMode.SAME_STEP)
    env = GymnasiumVecEnv(same)
    env.set_options([{"state": 1}, {"state": 2}])
    with pytest.raises(ValueError, match="one set of options for all"):
        env.reset()
    env.set_options({"state": [1, 2]})
    env.reset()
    assert [info["state"] for info in env.reset_infos] == [1, 2]
    assert env.get_attr("num_envs", indices=[0]) == [2]
    assert not env.has_attr("nothing")
    env.close()
    assert same.closed


def test_the_example_trains_ppo() -> None:
    done = subprocess.run(
        [sys.executable, "examples/ppo_stable_baselines3.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    head, row = done.stdout.splitlines()
    assert head.split() == ["episodes", "return", "final", "Φ", "solved"]
    episodes, _, phi, _ = row.split()
    assert int(episodes) == 8
    assert 0 < float(phi) <= 1
