"""What images cost: a frame beside LIBERO's, the way to the policy, what many episodes leave.

    frames      ms per frame of each camera, LIBERO's and ours, in turns, along an episode; the
                pixels must be equal
    transport   ms for the images of 8 slots, 2 cameras of 256 by 256, from a worker: pickled
                through the pipe, as everything else goes, and through shared memory
    --episodes  that many short episodes with images instead, over tasks in turn: memory of the
                process

Frames are timed in CPU time of the process, equal to wall time on an idle machine where GL draws
on one thread (LP_NUM_THREADS=0 for Mesa).

    LP_NUM_THREADS=0 python benchmarks/images.py [--tasks libero_goal/turn_on_the_stove ...]

Prints its rows and, as the last line, JSON; `--json` prints that alone.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from tgrpo.libero_package import import_libero, versions
from tgrpo.rollouts.shared_images import Layout, receive, share
from tgrpo.simulation.envs import Simulation
from tgrpo.simulation.initial_states import load_states
from tgrpo.simulation.rendering import Renderer
from tgrpo.tasks import Task, find_task
from tgrpo.trajectory import Camera, Images

TASKS = (
    "libero_spatial/pick_up_the_black_bowl_from_table_center_and_place_it_on_the_plate",
    "libero_object/pick_up_the_milk_and_place_it_in_the_basket",
    "libero_goal/turn_on_the_stove",
    "libero_10/LIVING_ROOM_SCENE2_put_both_the_alphabet_soup_and_the_tomato_sauce_in_the_basket",
)
CAMERAS = (Camera("agentview", 256, 256), Camera("robot0_eye_in_hand", 256, 256))
SLOTS, ROUNDS = 8, 50
IN_A_ROW = 10


def actions(count: int) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(0)
    for _ in range(count):
        yield np.clip(np.append(rng.normal(0, 0.5, 6), rng.choice([-1.0, 1.0])), -1, 1)


def milliseconds(work: Callable[[], object], clock: Callable[[], float]) -> float:
    start = clock()
    work()
    return 1e3 * (clock() - start)


def frames(task: Task, renderer: Renderer, steps: int) -> dict[str, object]:
    """Median ms per camera of LIBERO's frame and of ours."""
    environment = import_libero("envs.env_wrapper").OffScreenRenderEnv(
        bddl_file_name=str(task.bddl_file), ignore_done=True
    )
    environment.reset()
    sim = environment.sim
    simulation = Simulation(task, renderer=renderer)
    simulation.reset(load_states(task, "train")[0])
    times: dict[str, list[tuple[float, float]]] = {camera.name: [] for camera in CAMERAS}
    for action in actions(steps):
        simulation.step(action)
        sim.data.qpos[:] = simulation._glimpse  # what our cameras see
        sim.model.body_pos[:] = simulation.model.body_pos
        sim.model.body_quat[:] = simulation.model.body_quat
        sim.forward()
        for camera in CAMERAS:
            seen: dict[str, np.ndarray] = {}
            sim._render_context_offscreen.gl_ctx.make_current()
            size = {"width": camera.width, "height": camera.height}
            theirs = milliseconds(
                lambda: seen.update(libero=sim.render(camera_name=camera.name, **size)),  # noqa: B023
                time.process_time,
            )
            ours = milliseconds(
                lambda: seen.update(ours=simulation.look((camera,))[camera.name]),  # noqa: B023
                time.process_time,
            )
            if not np.array_equal(seen["libero"], seen["ours"]):
                raise SystemExit(f"{task.id}, {camera.name}: pixels differ from LIBERO's")
            times[camera.name].append((theirs, ours))
    simulation.close()
    environment.close()
    medians = {name: np.median(rows, axis=0) for name, rows in times.items()}
    return {
        "task": task.id,
        **{
            name: {"libero_ms": float(theirs), "ours_ms": float(ours)}
            for name, (theirs, ours) in medians.items()
        },
    }


def answer(connection: Connection, images: Images) -> None:
    """A worker that sends images of all slots, by the way that it is asked for."""
    shared = receive(connection, connection.recv())
    slots = tuple(range(SLOTS))
    while connection.recv() != "leave":
        connection.send(images)
        connection.recv()
        shared.write(slots, images)
        connection.send({})


def transport() -> dict[str, float]:
    """Median ms from asking to having the images of all slots."""
    rng = np.random.default_rng(0)
    images = {c.name: rng.integers(0, 256, (SLOTS, *c.shape), dtype=np.uint8) for c in CAMERAS}
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.get_context("spawn").Process(target=answer, args=(theirs, images))
    child.start()
    slots = tuple(range(SLOTS))
    shared = share(ours, Layout(slots, CAMERAS))

    def ask(read: Callable[[], object]) -> None:
        ours.send("go")
        ours.recv()
        read()

    times = []
    for _ in range(ROUNDS):
        pipe = milliseconds(lambda: ask(lambda: None), time.perf_counter)
        memory = milliseconds(lambda: ask(lambda: shared.read(slots)), time.perf_counter)
        times.append((pipe, memory))
    ours.send("leave")
    child.join()
    pipe_ms, shared_ms = np.median(times, axis=0)
    return {"pipe_ms": float(pipe_ms), "shared_ms": float(shared_ms)}


def resident() -> float:
    """MB of memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


def leaks(tasks: list[Task], renderer: Renderer, episodes: int) -> list[tuple[int, float]]:
    """(episodes played, MB): `IN_A_ROW` short ones of a task, then the next task is loaded."""
    camera = Camera("agentview", 64, 64)
    seen = []
    for first in range(0, episodes, IN_A_ROW):
        simulation = Simulation(tasks[first // IN_A_ROW % len(tasks)], renderer=renderer)
        for state in load_states(simulation.task, "train")[:IN_A_ROW]:
            simulation.restore(state)
            for action in actions(2):
                simulation.look((camera,))
                simulation.step(action)
        simulation.close()
        seen.append((first + IN_A_ROW, resident()))
        print(*seen[-1], file=sys.stderr, flush=True)
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", default=list(TASKS))
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--episodes", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    tasks, renderer = [find_task(name) for name in options.tasks], Renderer()
    result: dict[str, object] = {"versions": versions()}
    if options.episodes:
        result["resident_mb"] = leaks(tasks, renderer, options.episodes)
    else:
        result["frames"] = [frames(task, renderer, options.steps) for task in tasks]
        result["transport"] = transport()
    renderer.close()
    if not options.json:
        for name in ("frames", "transport", "resident_mb"):
            rows = result.get(name, [])
            for row in rows if isinstance(rows, list) else [rows]:
                print(name, row)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
