"""What the doctor is told of drawing, and reading what it found."""

from __future__ import annotations

from typing import Any

from tgrpo.doctor.findings import Finding
from tgrpo.doctor.probing import Answer


def frame(renderer: str = "NVIDIA H100", **changes: Any) -> Answer:
    value = {"vendor": "v", "renderer": renderer, "first_s": 0.3, "frame_ms": 1.0}
    return Answer({**value, "black": False, "devices": 1, **changes})


def answers(**changed: Answer) -> dict[str, Answer]:
    """EGL on a GPU, and no other backend."""
    missing = Answer(failure="AttributeError: 'NoneType' object has no attribute 'glGetError'")
    return {"egl": frame(), "osmesa": missing, "glfw": missing, **changed}


def only(findings: tuple[Finding, ...], check: str) -> Finding:
    """The one finding of `check`."""
    (found,) = [item for item in findings if item.check == check]
    return found
