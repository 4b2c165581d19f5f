"""Gymnasium's vector environments for Stable-Baselines3, which has an interface of its own.

Stable-Baselines3 (2.9) makes a `VecEnv` of single environments only.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.wrappers.vector import DictInfoToList
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

Indices = int | Iterable[int] | None


class GymnasiumVecEnv(VecEnv):
    """Any vector environment that begins the next episode in the step in which the last one ends.

    At an end `infos` holds `terminal_observation` and what was said of the last step; what is said
    of the new episode's beginning stands in `reset_infos`. Raises ValueError for another autoreset
    mode.
    """

    def __init__(self, env: VectorEnv) -> None:
        mode = env.metadata.get("autoreset_mode")
        if mode is not AutoresetMode.SAME_STEP:
            raise ValueError(
                f"{env} has autoreset mode {getattr(mode, 'name', mode)}; Stable-Baselines3 needs "
                "AutoresetMode.SAME_STEP"
            )
        self.env = env
        self._listed = DictInfoToList(env)
        self._actions = np.zeros(0)
        super().__init__(env.num_envs, env.single_observation_space, env.single_action_space)

    def reset(self) -> VecEnvObs:
        seeds = None if all(seed is None for seed in self._seeds) else self._seeds
        observations, self.reset_infos = self._listed.reset(
            seed=seeds,  # type: ignore[arg-type]  # Gymnasium's own take a list too
            options=self._common_options(),
        )
        self._reset_seeds()
        self._reset_options()
        return observations

    def step_async(self, actions: np.ndarray) -> None:
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        observations, rewards, terminated, truncated, infos = self._listed.step(self._actions)
        done = terminated | truncated
        told: list[dict[str, Any]] = list(infos)
        for env in np.flatnonzero(done).tolist():
            begun = told[env]
            last = begun.pop("final_info")
            told[env] = {**last, "terminal_observation": begun.pop("final_obs")}
            self.reset_infos[env] = begun
        for env, info in enumerate(told):
            info["TimeLimit.truncated"] = bool(truncated[env] and not terminated[env])
        return observations, rewards, done, told

    def close(self) -> None:
        self.env.close()

    def get_attr(self, attr_name: str, indices: Indices = None) -> list[Any]:
        """The attribute of the one object that simulates all."""
        return [getattr(self.env, attr_name)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: Indices = None) -> NoReturn:
        raise NotImplementedError(f"{self.env} simulates all: set {attr_name!r} on `.env` itself")

    def env_method(
        self, method_name: str, *method_args: Any, indices: Indices = None, **method_kwargs: Any
    ) -> NoReturn:
        raise NotImplementedError(
            f"{self.env} simulates all: call {method_name!r} of `.env` itself"
        )

    def env_is_wrapped(
        self,
        wrapper_class: type[gymnasium.Wrapper],  # noqa: ARG002 - SB3's signature
        indices: Indices = None,
    ) -> list[bool]:
        return [False] * len(list(self._get_indices(indices)))

    def _common_options(self) -> dict[str, Any] | None:
        first, *others = self._options
        if any(options != first for options in others):
            raise ValueError("a vector environment is reset with one set of options for all")
        return first or None
