"""A connection to a Ray cluster: one that is there, or one of our own for as long as it is used."""

from __future__ import annotations

import os
from typing import Any

import ray

from tgrpo.closing import Closing
from tgrpo.cluster import ClusterError, expect_address, unreachable
from tgrpo.rollouts.processes import ONE_THREAD

# Of every actor: there is one for each core already, and waiting threads leave it to others.
_ENVIRONMENT = {**ONE_THREAD, "OMP_WAIT_POLICY": "PASSIVE"}


class Session(Closing):
    """Without `address`, a Ray of our own with `cpus` logical ones, which ends with the session.

    A cluster that was there before is left running. Raises ClusterError.
    """

    def __init__(self, address: str | None, *, cpus: int):
        self._guest = ray.is_initialized()  # of whoever connected this process before
        if self._guest:
            return
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a Ray of ours tells nobody of us
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # spares a warning
        job: dict[str, Any] = {
            "runtime_env": {"env_vars": _ENVIRONMENT},
            "log_to_driver": False,
            "logging_level": "ERROR",
        }
        if address is None:
            ray.init("local", num_cpus=cpus, include_dashboard=False, **job)
            return
        expect_address(address)
        try:
            ray.init(address, **job)
        except (ConnectionError, ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise ClusterError(f"{unreachable(address)} ({reason})") from None

    def close(self) -> None:
        """Safe to call twice."""
        if not self._guest:
            ray.shutdown()


def largest_node() -> int:
    """Logical CPUs of the largest node that is alive."""
    nodes = [node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]]
    return int(max(nodes, default=0))


def living_nodes() -> set[str]:
    return {node["NodeID"] for node in ray.nodes() if node["Alive"]}
