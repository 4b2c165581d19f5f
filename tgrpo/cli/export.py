"""`tgrpo export`: what was trained on OpenVLA, for others' code."""

from __future__ import annotations

from pathlib import Path

from tgrpo.checkpoint import CheckpointError, read_checkpoint
from tgrpo.cli.console import make_console
from tgrpo.cli.report import print_paths
from tgrpo.policies import load_policy


def run_export(checkpoint: Path, out: Path, *, adapter: bool) -> None:
    """The whole network in the published layout, or the adapter as peft reads it."""
    kind = read_checkpoint(checkpoint).kind
    if kind != "openvla":
        raise CheckpointError(
            f"{checkpoint}: a {kind} policy; only OpenVLA's has a layout that others read"
        )
    policy, _ = load_policy(checkpoint)
    from tgrpo.policies.openvla.policy import OpenVLAPolicy  # transformers: seconds of loading

    assert isinstance(policy, OpenVLAPolicy)
    folder = policy.save_adapter(out) if adapter else policy.save_merged(out)
    print_paths(make_console(), [("adapter" if adapter else "checkpoint", folder)])
