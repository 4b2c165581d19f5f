"""PPO of Stable-Baselines3 on a reward program, for a few hundred steps: under a minute.

    python examples/ppo_stable_baselines3.py [PROGRAM.rl]

Needs `pip install 'rewardlang[gym]' stable-baselines3`. Far too short to learn the task, which
wants a demonstration first; it shows what goes where.
"""

from __future__ import annotations

import sys
from pathlib import Path

import gymnasium
from gymnasium.vector import AutoresetMode

import tgrpo.gym

DEFAULT = "tasks/libero_object/pick_up_the_milk_and_place_it_in_the_basket.rl"
STEPS = 512


def main(path: Path) -> None:
    # Worker processes import this file again, and need neither torch nor Stable-Baselines3.
    from stable_baselines3 import PPO
    from stable_baselines3.common.vec_env import VecMonitor

    from tgrpo.gym.stable_baselines3 import GymnasiumVecEnv

    envs = gymnasium.make_vec(
        tgrpo.gym.ENV_ID,
        num_envs=4,
        task=path,
        max_steps=64,
        autoreset_mode=AutoresetMode.SAME_STEP,
    )
    vec_env = VecMonitor(GymnasiumVecEnv(envs), info_keywords=("phi", "success"))
    try:
        policy = PPO("MultiInputPolicy", vec_env, n_steps=64, batch_size=64, seed=0)
        policy.learn(STEPS)
        ended = policy.ep_info_buffer or ()
        print("episodes  return  final Φ  solved")
        mean = [sum(float(item[key]) for item in ended) / len(ended) for key in ("r", "phi")]
        solved = sum(bool(item["success"]) for item in ended)
        print(f"{len(ended):8}  {mean[0]:6.3f}  {mean[1]:7.2f}  {solved:6}")
    finally:
        vec_env.close()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else DEFAULT))
