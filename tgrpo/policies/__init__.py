"""Policies by name, and policies in checkpoints."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from tgrpo.checkpoint import Checkpoint, CheckpointError, check_tensors, read_checkpoint
from tgrpo.checkpoint import write_checkpoint as _write
from tgrpo.config import OpenVLAConfig
from tgrpo.policies.base import Policy
from tgrpo.policies.devices import default_device
from tgrpo.policies.tiny import TinyPolicy
from tgrpo.policies.tiny_network import TinyConfig
from tgrpo.policies.tiny_vision import TinyVisionPolicy
from tgrpo.policies.tiny_vision_network import VisionConfig

Architecture = Mapping[str, Any]


def _tiny(architecture: Architecture, seed: int) -> Policy:
    return TinyPolicy(TinyConfig.from_architecture(dict(architecture)), seed=seed)


def _tiny_vision(architecture: Architecture, seed: int) -> Policy:
    config = VisionConfig.from_architecture(dict(architecture))
    return TinyVisionPolicy(config, seed=seed).to(default_device())


def _openvla(architecture: Architecture, seed: int) -> Policy:
    from tgrpo.policies.openvla.policy import OpenVLAPolicy  # transformers: seconds of loading

    return OpenVLAPolicy(OpenVLAConfig(**architecture), seed=seed)


_MAKERS: Mapping[str, Callable[[Architecture, int], Policy]] = {
    "tiny": _tiny,
    "tiny-vision": _tiny_vision,
    "openvla": _openvla,
}
KINDS = tuple(_MAKERS)


def make_policy(
    kind: str = "tiny", *, seed: int = 0, architecture: Architecture | None = None
) -> Policy:
    """A freshly initialised policy. `architecture` overrides fields of the kind's config.

    Raises ValueError for an unknown kind or field, naming the known ones.
    """
    if kind not in _MAKERS:
        raise ValueError(f"unknown policy {kind!r}; known: {', '.join(KINDS)}")
    return _MAKERS[kind](architecture or {}, seed)


def save_policy(
    path: Path,
    policy: Policy,
    *,
    optimizer: Mapping[str, Tensor] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Path:
    """Write a checkpoint. `optimizer`: `Learner.state_tensors()`, to resume training from it."""
    tensors = {f"policy/{name}": tensor for name, tensor in policy.state_dict().items()}
    tensors |= {f"optimizer/{name}": tensor for name, tensor in (optimizer or {}).items()}
    return _write(path, Checkpoint(policy.kind, policy.architecture(), tensors, dict(extra or {})))


def load_policy(path: Path, *, kind: str | None = None) -> tuple[Policy, Checkpoint]:
    """The policy in a checkpoint, and the whole checkpoint (optimizer, extra).

    Raises CheckpointError; with `kind`, also for another policy's checkpoint.
    """
    checkpoint = read_checkpoint(path, kind=kind)
    return policy_in(path, checkpoint), checkpoint


def policy_in(path: Path, checkpoint: Checkpoint) -> Policy:
    """The policy in a checkpoint that was read from `path`. Raises CheckpointError."""
    if checkpoint.kind not in KINDS:
        raise CheckpointError(
            f"{path}: policy: found {checkpoint.kind!r}, expected one of {', '.join(KINDS)}"
        )
    with architecture_of(path):
        policy = make_policy(checkpoint.kind, architecture=checkpoint.architecture)
    weights = checkpoint.namespace("policy")
    check_tensors(path, weights, policy.state_dict())
    policy.load_state_dict(weights)
    return policy


@contextlib.contextmanager
def architecture_of(path: Path) -> Iterator[None]:
    """What a checkpoint says of its network is used; what does not fit is a CheckpointError."""
    try:
        yield
    except (TypeError, ValueError, KeyError) as error:
        raise CheckpointError(f"{path}: architecture does not fit this version: {error}") from None
