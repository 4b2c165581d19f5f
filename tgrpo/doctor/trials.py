"""What is tried in a process of its own: `python -m tgrpo.doctor.trials TRIAL SECONDS`.

A trial returns what it saw as JSON. An exception is an answer too; its text becomes the finding.
An alarm ends what hangs, also where nobody waits for it any more.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import ForkContext, SpawnContext
from typing import Any

from tgrpo.doctor.probing import MARK

FRAME = 256  # pixels, both ways
_FRAMES = 4
_PATIENCE = 8.0  # seconds that a child has for its frame
_FORKED_PATIENCE = 3.0  # a forked one that does not hang needs no start
_STORE = 80 * 1024 * 1024  # bytes: the least that Ray takes, nearly
_SCENE = """
<mujoco>
  <worldbody>
    <light pos="0 0 3"/>
    <geom type="plane" size="1 1 .1" rgba=".8 .8 .8 1"/>
    <geom type="sphere" size=".2" pos="0 0 .2" rgba=".8 .2 .2 1"/>
  </worldbody>
</mujoco>
"""


def main() -> None:
    trial, seconds = sys.argv[1:]
    signal.alarm(int(seconds) + 1)
    try:
        value = TRIALS[trial]()
    except Exception as error:  # the process boundary: everything is reported home
        sys.exit(f"{type(error).__name__}: {' '.join(str(error).split())}")
    print(f"{MARK}{json.dumps(value)}", flush=True)


def frame() -> dict[str, Any]:
    """Draw frames with the backend of MUJOCO_GL: who draws, s for the first, ms for the others."""
    import mujoco

    start = time.perf_counter()
    model = mujoco.MjModel.from_xml_string(_SCENE)
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    with mujoco.Renderer(model, FRAME, FRAME) as renderer:
        renderer.update_scene(data)
        brightest = int(renderer.render().max())
        first = time.perf_counter() - start
        times = [_milliseconds(renderer.render) for _ in range(_FRAMES)]
        vendor, drawer = _who_draws()
    return {
        "vendor": vendor,
        "renderer": drawer,
        "first_s": first,
        "frame_ms": min(times),  # what else runs on the machine makes the others longer
        "black": brightest == 0,
        "devices": _egl_devices(),
    }


def _milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - start)


def _who_draws() -> tuple[str, str]:
    from OpenGL import GL

    texts = (GL.glGetString(name) for name in (GL.GL_VENDOR, GL.GL_RENDERER))
    vendor, drawer = ((text or b"unknown").decode(errors="replace") for text in texts)
    return vendor, drawer


def _egl_devices() -> int:
    """How many devices MUJOCO_EGL_DEVICE_ID chooses among; 0 for other backends."""
    if "mujoco.egl" not in sys.modules:
        return 0
    from mujoco.egl import egl_ext

    return len(egl_ext.eglQueryDevicesEXT())


def children() -> dict[str, Any]:
    """Draw, then let a spawned and a forked child draw while this process keeps its context."""
    import mujoco

    model = mujoco.MjModel.from_xml_string(_SCENE)
    with mujoco.Renderer(model, FRAME, FRAME) as renderer:
        renderer.render()
        return {
            "spawn": _in_child(multiprocessing.get_context("spawn"), _PATIENCE),
            "fork": _in_child(multiprocessing.get_context("fork"), _FORKED_PATIENCE),
        }


def _in_child(context: SpawnContext | ForkContext, patience: float) -> str:
    """How a child's frame went: "" where it drew."""
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_draw_and_tell, args=(theirs, patience), daemon=True)
    process.start()
    theirs.close()
    try:
        if not ours.poll(patience):
            return f"no frame within {patience:.0f} s"
        return str(ours.recv())
    except EOFError:
        process.join(1)
        return f"died with exit code {process.exitcode}"
    finally:
        process.kill()


def _draw_and_tell(pipe: Connection, patience: float) -> None:
    signal.alarm(math.ceil(patience) + 1)
    try:
        frame()
    except Exception as error:  # the process boundary
        pipe.send(f"{type(error).__name__}: {error}")
    else:
        pipe.send("")


def simulator() -> dict[str, Any]:
    """Import LIBERO as the trainer does."""
    from tgrpo.libero_package import import_libero

    import_libero("benchmark")
    import_libero("envs.env_wrapper")
    return {}


def learner() -> dict[str, Any]:
    """Import torch: its build, and the GPUs it sees with their free and whole memory in bytes."""
    import torch

    gpus = []
    for index in range(torch.cuda.device_count()):
        free, whole = torch.cuda.mem_get_info(index)
        gpus.append({"name": torch.cuda.get_device_name(index), "free": free, "whole": whole})
    return {"version": torch.__version__, "cuda": torch.version.cuda, "gpus": gpus}


def stepper() -> dict[str, Any]:
    """Import the stepper, whose compiled functions come from numba's cache or are made now."""
    import tgrpo.simulation.stepper  # noqa: F401 - importing it is the trial

    return {}


def cluster() -> dict[str, Any]:
    """Connect to the cluster that RAY_ADDRESS names, or start a small Ray here, and count it."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    if "RAY_ADDRESS" in os.environ:
        ray.init(log_to_driver=False, logging_level="ERROR")
    else:
        ray.init("local", num_cpus=1, object_store_memory=_STORE, include_dashboard=False)
    living = [node for node in ray.nodes() if node["Alive"]]
    cpus = sum(node["Resources"].get("CPU", 0.0) for node in living)
    ray.shutdown()
    return {"version": ray.__version__, "nodes": len(living), "cpus": cpus}


TRIALS: dict[str, Callable[[], dict[str, Any]]] = {
    "frame": frame,
    "children": children,
    "simulator": simulator,
    "learner": learner,
    "stepper": stepper,
    "cluster": cluster,
}

if __name__ == "__main__":
    main()
