"""Torch with the GPUs it sees, the stepper that numba compiles, and Ray."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tgrpo.cluster import INSTALL as INSTALL_RAY
from tgrpo.cluster import START
from tgrpo.doctor.findings import Finding, late, ok, problem, warning
from tgrpo.doctor.packages import INSTALL
from tgrpo.doctor.probing import Answer
from tgrpo.doctor.sizes import size_text

_NVIDIA = ("/proc/driver/nvidia/version", "/dev/nvidiactl", "/dev/nvidia0")
RAY_ADDRESS = "RAY_ADDRESS"
NO_RAY = ok("ray", "not installed; one machine needs none")
_NEARLY_FULL = 0.1  # share of a GPU's memory that is still free


def nvidia_gpu() -> bool:
    """Whether the kernel shows an NVIDIA GPU to this process."""
    return any(Path(name).exists() for name in _NVIDIA)


def judge_torch(answer: Answer, gpu: bool) -> tuple[Finding, ...]:
    """Of the trial `learner`; `gpu`: the kernel shows one."""
    if answer.late:
        return (late("torch", answer.failure),)
    if not answer.worked:
        return (problem("torch", f"cannot be imported: {answer.failure}", INSTALL),)
    built, gpus = answer.value["cuda"], answer.value["gpus"]
    told = f"{answer.value['version']}, {f'CUDA {built}' if built else 'for the CPU'}"
    if gpu and not built:
        text = f"{told}, and there is an NVIDIA GPU"
        return (warning("torch", text, "pip install --force-reinstall --no-cache-dir torch"),)
    if gpu and not gpus:
        text = f"{told}, and it sees no GPU: the driver is older than CUDA {built}, or hidden"
        return (warning("torch", text, "nvidia-smi"),)
    return (ok("torch", told), _gpus(gpus))


def _gpus(gpus: list[Mapping[str, Any]]) -> Finding:
    if not gpus:
        return ok("GPU", "none; the tiny policy needs none")
    told = ", ".join(
        f"{item['name']}: {size_text(item['free'])} of {size_text(item['whole'])} free"
        for item in gpus
    )
    if any(item["free"] < _NEARLY_FULL * item["whole"] for item in gpus):
        return warning("GPU", f"{told}; another program holds it", "nvidia-smi")
    return ok("GPU", told)


def judge_stepper(answer: Answer, library_fix: str = "") -> Finding:
    """Of the trial `stepper`. `library_fix`: what installs a library that it lacks."""
    name = "the stepper"
    if answer.worked:
        return ok(name, f"loads in {answer.seconds:.1f} s")
    if answer.late:
        return late(name, f"{answer.failure} (numba compiles it once)")
    return problem(name, answer.failure, library_fix or "pip install --force-reinstall numba")


def judge_ray(answer: Answer, address: str | None) -> Finding:
    """Of the trial `cluster`. `address`: the cluster that Ray's own variable names."""
    if answer.worked:
        seen = answer.value
        where = f"{seen['nodes']} nodes, {seen['cpus']:.0f} CPUs" if address else "starts here"
        return ok("ray", f"{seen['version']}; {where}")
    if answer.late:
        return late("ray", answer.failure)
    if address:
        text = f"no cluster answers at {RAY_ADDRESS}={address}: {answer.failure}"
        return warning("ray", text, START)
    return warning("ray", f"does not start: {answer.failure}", INSTALL_RAY)
