"""LIBERO's tasks as Gymnasium environments, for trainers other than ours.

`LiberoVectorEnv` steps many episodes in a pool of processes, `LiberoEnv` one in this process.
Importing this package registers both as `rewardlang/Libero-v0`; they are loaded on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gymnasium.envs.registration import register, registry

if TYPE_CHECKING:
    from tgrpo.gym.single_env import LiberoEnv
    from tgrpo.gym.vector_env import LiberoVectorEnv

__all__ = ["ENV_ID", "LiberoEnv", "LiberoVectorEnv"]

ENV_ID = "rewardlang/Libero-v0"
_LAZY = {"LiberoEnv": "tgrpo.gym.single_env", "LiberoVectorEnv": "tgrpo.gym.vector_env"}

if ENV_ID not in registry:  # the package may be imported anew; Gymnasium would warn
    register(
        ENV_ID, entry_point="tgrpo.gym:LiberoEnv", vector_entry_point="tgrpo.gym:LiberoVectorEnv"
    )


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)
