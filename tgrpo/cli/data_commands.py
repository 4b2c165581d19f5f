"""What the commands of `tgrpo` that list or write data do: tasks, states, demonstrate."""

from __future__ import annotations

import difflib
import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from tgrpo.cli.console import make_console
from tgrpo.cli.mistakes import BAD_INPUT, expect_folder, fail
from tgrpo.cli.report import print_paths
from tgrpo.intervals import wilson
from tgrpo.libero_package import cache_folder
from tgrpo.programs import UnknownChoiceError
from tgrpo.recorded.camera_images import LIBERO_CAMERAS
from tgrpo.rollouts.processes import single_threaded
from tgrpo.scripted.demonstrator import DemonstratorError, UnsupportedGoalError, demonstrate
from tgrpo.simulation.initial_states import Split, generate_states
from tgrpo.tasks import PERTURBED, Task, find_task, suite_tasks, suites
from tgrpo.trajectory import Camera


def choose_tasks(
    suite: str | None, names: Sequence[str], *, perturbed: bool = False
) -> tuple[Task, ...]:
    """Tasks by suite and name, or `SUITE/NAME`. Raises UnknownTaskError, UnknownChoiceError.

    `perturbed`: LIBERO-PRO's suites may be chosen.
    """
    chosen = _chosen(suite, names)
    for task in chosen:
        if task.suite in PERTURBED and not perturbed:
            raise UnknownChoiceError(
                f"{task.suite} is LIBERO-PRO's, for evaluation: tgrpo eval alone knows it"
            )
    return chosen


def _chosen(suite: str | None, names: Sequence[str]) -> tuple[Task, ...]:
    if not names:
        return () if suite is None else suite_tasks(suite)
    chosen = []
    for name in names:
        own, slash, _ = name.rpartition("/")
        if slash and suite not in (None, own):
            raise UnknownChoiceError(f"--task {name}: --suite {suite} leaves out {own}")
        if slash:
            chosen.append(find_task(name))
        elif suite is not None:
            chosen.append(find_task(suite, name))
        else:
            chosen.append(_find_anywhere(name))
    return tuple(chosen)


def named_tasks(suite: str | None, names: Sequence[str]) -> tuple[Task, ...]:
    """As `choose_tasks`, where the user has to choose."""
    tasks = choose_tasks(suite, names)
    if not tasks:
        raise UnknownChoiceError("choose tasks with --suite and --task")
    return tasks


def _find_anywhere(name: str) -> Task:
    found = [task for suite in suites() for task in suite_tasks(suite) if task.name == name]
    if len(found) == 1:
        return found[0]
    if found:
        places = ", ".join(task.id for task in found)
        raise UnknownChoiceError(f"--task {name}: there are several; choose one of {places}")
    known = [task.name for suite in suites() for task in suite_tasks(suite)]
    near = [other for other in known if name in other][:3]
    near = near or difflib.get_close_matches(name, known, n=3, cutoff=0.4)
    hint = f"; did you mean {' or '.join(near)}?" if near else "; tgrpo tasks lists them"
    raise UnknownChoiceError(f"--task {name}: unknown task{hint}")


def list_tasks(suite: str | None) -> None:
    """`tgrpo tasks`."""
    console = make_console()
    for name in suites() if suite is None else (suite,):
        tasks = suite_tasks(name)
        console.print(f"{name}: {len(tasks)} tasks, {tasks[0].max_steps} steps at most")
        for task in tasks:
            console.print(f"  {task.name}", markup=False, soft_wrap=True)
            if task.instruction != task.name.replace("_", " "):
                console.print(f"      {task.instruction}", markup=False, soft_wrap=True)


def generate_state_files(suite: str | None, names: Sequence[str], out: Path | None) -> None:
    """`tgrpo states`."""
    console = make_console()
    folder = out or cache_folder() / "initial_states"
    expect_folder("--out", folder)
    tasks = named_tasks(suite, names)
    for number, task in enumerate(tasks, start=1):
        path = folder / task.suite / f"{task.name}.npz"
        generate_states(task, path)
        console.print(f"{number}/{len(tasks)} {path}", markup=False, soft_wrap=True)


@dataclass(frozen=True, slots=True)
class DemonstrationOrder:
    """What `tgrpo demonstrate` is to make for one task."""

    task: Task
    split: Split
    count: int
    noise: float
    seed: int
    cameras: tuple[Camera, ...]
    path: Path


@dataclass(frozen=True, slots=True)
class _Made:
    task: Task
    path: Path
    steps: float  # mean length
    solved: int
    tried: int
    problem: str = ""


def run_demonstrate(
    suite: str | None,
    names: Sequence[str],
    *,
    split: Split,
    count: int,
    noise: float,
    seed: int,
    image_size: int | None,
    out: Path,
    force: bool,
    workers: int,
) -> None:
    """`tgrpo demonstrate`."""
    console = make_console()
    expect_folder("--out", out)
    cameras = tuple(Camera(name, image_size, image_size) for name in LIBERO_CAMERAS if image_size)
    orders = [
        DemonstrationOrder(task, split, count, noise, seed, cameras, out / f"{task.id}_demo.hdf5")
        for task in named_tasks(suite, names)
    ]
    existing = [str(order.path) for order in orders if order.path.exists()]
    if existing and not force:
        fail("\n".join(["these files exist; --force replaces them:", *existing]), BAD_INPUT)
    problems = []
    for number, made in enumerate(_in_parallel(orders, workers), start=1):
        interval = wilson(made.solved, made.tried)
        text = made.problem or (
            f"{made.solved} of {made.tried} states solved "
            f"({interval.low:.0%} – {interval.high:.0%}), {made.steps:.0f} steps on average"
        )
        line = f"{number}/{len(orders)} {made.task.id}: {text}"
        console.print(line, markup=False, soft_wrap=True)
        problems += [made.problem] if made.problem else []
    if problems:
        fail("\n".join(problems), BAD_INPUT)
    print_paths(console, [("files", order.path) for order in orders])


def _in_parallel(orders: Sequence[DemonstrationOrder], workers: int) -> Iterator[_Made]:
    """As they are finished, a process per task."""
    if workers == 1 or len(orders) == 1:
        yield from map(_make, orders)
        return
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(workers, mp_context=context, initializer=_ignore_interrupts)
    with single_threaded(), executor:
        futures = [executor.submit(_make_interruptibly, order) for order in orders]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            for future in futures:
                future.cancel()


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _make_interruptibly(order: DemonstrationOrder) -> _Made:
    """Ctrl-C reaches a process at work, which then cleans up, and none that waits for work."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return _make(order)
    finally:
        _ignore_interrupts()


def _make(order: DemonstrationOrder) -> _Made:
    try:
        made = demonstrate(
            order.task,
            split=order.split,
            count=order.count,
            out=order.path,
            noise=order.noise,
            seed=order.seed,
            cameras=order.cameras,
        )
    except (DemonstratorError, UnsupportedGoalError) as error:
        return _Made(order.task, order.path, 0.0, 0, 0, str(error))
    solved = len(made.lengths)
    return _Made(
        order.task, made.path, sum(made.lengths) / solved, solved, solved + len(made.failed)
    )
