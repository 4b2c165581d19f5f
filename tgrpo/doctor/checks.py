"""The table of all checks, in the order of the report.

The quick ones try nothing out in other processes, and are run before every training.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tgrpo import gl_libraries
from tgrpo.capacity import cores
from tgrpo.doctor import accelerators, language, libero, machine, packages, rendering, storage
from tgrpo.doctor.findings import Finding
from tgrpo.doctor.probing import Answer, try_out
from tgrpo.libero_package import COMPLETE, CONFIG_VARIABLE, cache_folder, config_folder

_TIMEOUT = 12.0  # seconds for a trial: several times what it takes on an idle core
_MOST_DEVICES = 8


@dataclass(frozen=True, slots=True)
class Patient:
    """What is examined: where programs and runs are, and the user's surroundings."""

    rewards: Path = Path("tasks")
    run_dir: Path = Path("runs")
    workers: int | None = None  # simulator processes; None: one per core
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    home: Path = field(default_factory=Path.home)
    until: float = math.inf  # of the monotonic clock: no trial outlives it

    def tries(self, trial: str, **variables: str) -> Answer:
        """A trial in a process of its own, with `variables` on top of the environment."""
        timeout = min(_TIMEOUT, self.until - time.monotonic())
        return try_out(trial, environment={**self.environment, **variables}, timeout=timeout)

    def draws(self, chosen: Sequence[Mapping[str, str]]) -> list[Answer]:
        """The trial `frame` with each of these variables, at the same time."""
        with ThreadPoolExecutor(len(chosen)) as threads:
            return list(threads.map(lambda variables: self.tries("frame", **variables), chosen))


@dataclass(frozen=True, slots=True)
class Check:
    """One look at one part of the machine. `find` may raise or hang: `examination` sees to it."""

    name: str
    find: Callable[[Patient], tuple[Finding, ...]]
    quick: bool = False


def _packages(_: Patient) -> tuple[Finding, ...]:
    return packages.judge(packages.installed())


def _libero(patient: Patient) -> tuple[Finding, ...]:
    facts = libero.provider()
    read, home = libero.configurations(patient.environment, patient.home)
    chosen = bool(patient.environment.get(CONFIG_VARIABLE))
    asks = bool(facts.distributions) and COMPLETE not in facts.distributions
    return (
        libero.judge_provider(facts),
        libero.judge_files(libero.missing_files()),
        libero.judge_configuration(read, home, chosen, asks),
    )


def _simulator(patient: Patient) -> tuple[Finding, ...]:
    answer, folder = patient.tries("simulator"), config_folder(patient.environment)
    return (libero.judge_import(answer, folder, _library_fix(patient, answer)),)


def _stepper(patient: Patient) -> tuple[Finding, ...]:
    answer = patient.tries("stepper")
    return (accelerators.judge_stepper(answer, _library_fix(patient, answer)),)


def _library_fix(patient: Patient, answer: Answer) -> str:
    libraries = gl_libraries.see_libraries()
    return gl_libraries.library_fix(answer.failure, patient.environment, libraries)


def _torch(patient: Patient) -> tuple[Finding, ...]:
    return accelerators.judge_torch(patient.tries("learner"), accelerators.nvidia_gpu())


def _ray(patient: Patient) -> tuple[Finding, ...]:
    if packages.version_of("ray") is None:
        return (accelerators.NO_RAY,)
    address = patient.environment.get(accelerators.RAY_ADDRESS)
    return (accelerators.judge_ray(patient.tries("cluster"), address),)


def _variables(patient: Patient) -> tuple[Finding, ...]:
    return (rendering.judge_variables(patient.environment, gl_libraries.see_libraries()),)


def _frames(patient: Patient) -> tuple[Finding, ...]:
    chosen = [{gl_libraries.GL: backend} for backend in gl_libraries.BACKENDS]
    answers = dict(zip(gl_libraries.BACKENDS, patient.draws(chosen), strict=True))
    gpu = accelerators.nvidia_gpu()
    in_vain = gpu and rendering.is_software(answers["egl"])
    return rendering.judge_frames(
        answers,
        patient.environment.get(gl_libraries.GL, ""),
        libraries=gl_libraries.see_libraries(),
        gpu=gpu,
        vendor_file=rendering.see_vendor_file(),
        hardware_device=_hardware_device(patient, answers["egl"]) if in_vain else None,
    )


def _hardware_device(patient: Patient, default: Answer) -> int | None:
    """The first EGL device that draws in hardware: their numbers are others than CUDA's."""
    devices = range(min(default.value["devices"], _MOST_DEVICES))
    chosen = [{gl_libraries.GL: "egl", gl_libraries.DEVICE: str(device)} for device in devices]
    for device, answer in zip(devices, patient.draws(chosen) if chosen else (), strict=True):
        if answer.worked and not rendering.is_software(answer):
            return device
    return None


def _children(patient: Patient) -> tuple[Finding, ...]:
    backend = gl_libraries.loaded_backend(patient.environment)
    return (rendering.judge_children(patient.tries("children", **{gl_libraries.GL: backend})),)


def _cores(patient: Patient) -> tuple[Finding, ...]:
    return (machine.judge_cores(machine.see_cores(), patient.workers),)


def _memory(patient: Patient) -> tuple[Finding, ...]:
    return (machine.judge_memory(machine.see_memory(), patient.workers or cores()),)


def _shared_memory(_: Patient) -> tuple[Finding, ...]:
    return (machine.judge_shared_memory(machine.see_shared_memory(), machine.in_container()),)


def _storage(patient: Patient) -> tuple[Finding, ...]:
    runs, cache = storage.see_room(patient.run_dir), storage.see_room(cache_folder())
    return (
        storage.judge_room("disk for runs", runs, storage.RUNS_ELSEWHERE),
        storage.judge_room("disk for models", cache, storage.CACHE_ELSEWHERE),
        storage.judge_numba(storage.see_numba(patient.environment)),
    )


def _programs(patient: Patient) -> tuple[Finding, ...]:
    return (language.judge_programs(language.see_programs(patient.rewards), patient.rewards),)


def _endpoint(patient: Patient) -> tuple[Finding, ...]:
    return (language.judge_endpoint(language.see_endpoint(patient.environment)),)


PROGRAMS = Check("programs", _programs, quick=True)

CHECKS = (
    Check("packages", _packages, quick=True),
    Check("libero", _libero, quick=True),
    Check("importing libero", _simulator),
    Check("the stepper", _stepper),
    Check("torch", _torch),
    Check("ray", _ray),
    Check("rendering variables", _variables, quick=True),
    Check("frames", _frames),
    Check("contexts in children", _children),
    Check("cores", _cores, quick=True),
    Check("memory", _memory, quick=True),
    Check("shared memory", _shared_memory, quick=True),
    Check("storage", _storage, quick=True),
    PROGRAMS,
    Check("language model", _endpoint),
)
