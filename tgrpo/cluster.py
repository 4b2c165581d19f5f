"""Whether there is a Ray to talk to, found out without importing it."""

from __future__ import annotations

import importlib.util
import socket

INSTALL = "pip install 'rewardlang[ray]'"
START = "ray start --head --disable-usage-stats --include-dashboard=false"
_PATIENCE = 3.0  # seconds for a head node to accept a connection


class ClusterError(RuntimeError):
    """No Ray, no cluster, or none with room for what was asked for; the text says which."""


def expect_backend(backend: str, address: str | None) -> None:
    """Raise ClusterError where it is known at once that `--backend ray` cannot work."""
    if backend == "local":
        if address is not None:
            raise ClusterError(f"--address {address} is of use with --backend ray alone")
        return
    expect_ray()
    if address is not None:
        expect_address(address)


def expect_ray() -> None:
    """Raise ClusterError where the package is missing."""
    if importlib.util.find_spec("ray") is None:
        raise ClusterError(f"--backend ray needs Ray, which is not installed: {INSTALL}")


def expect_address(address: str) -> None:
    """Raise ClusterError unless `address` is "auto", or HOST:PORT where something answers."""
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or "/" in address:
        raise ClusterError(
            f"--address {address}: write HOST:PORT, as `ray start --head` prints it, or auto for "
            "the cluster that this machine belongs to"
        )
    try:
        socket.create_connection((host, int(port)), timeout=_PATIENCE).close()
    except (OSError, OverflowError) as error:
        raise ClusterError(f"{unreachable(address)} ({error})") from None


def unreachable(address: str) -> str:
    """What to say where no cluster was found."""
    where = "on this machine" if address == "auto" else f"at {address}"
    return f"no Ray cluster answers {where}; `{START}` starts one, and prints its address"
