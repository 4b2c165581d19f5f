"""Files that a checkpoint of OpenVLA-OFT has beside the network: which of them can be used."""

from __future__ import annotations

from pathlib import Path

_PROJECTOR = "proprio_projector--*.pt"
_CONTINUOUS = ("action_head--*.pt", "noisy_action_projector--*.pt")
_MODULATED = "vision_backbone--*.pt"


def read_components(folder: Path) -> tuple[Path | None, list[str]]:
    """The file of the projector of the robot's state, where there is one, and what is wrong."""
    problems = [
        f"{path.name}: its actions are continuous, and no number of them has a probability that "
        "could be learned from; the variant with discrete tokens can be used"
        for pattern in _CONTINUOUS
        for path in sorted(folder.glob(pattern))
    ]
    problems += [
        f"{path.name}: a vision backbone modulated by language (FiLM) is not supported"
        for path in sorted(folder.glob(_MODULATED))
    ]
    projectors = sorted(folder.glob(_PROJECTOR))
    if len(projectors) > 1:
        listed = ", ".join(path.name for path in projectors)
        problems.append(f"several projectors of the robot's state, keep one: {listed}")
    return (projectors[0] if projectors else None), problems
