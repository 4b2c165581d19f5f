"""`tgrpo train`: a run from its beginning, or from where it stands, to its table."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from types import FrameType

from rich.console import Console

from tgrpo.capacity import worker_count
from tgrpo.cli.commands import check_inputs, finished_files, print_warnings, run_name
from tgrpo.cli.console import make_console
from tgrpo.cli.listeners import make_listener
from tgrpo.cli.mistakes import INTERRUPTED, fail
from tgrpo.cli.options import Resolved
from tgrpo.cli.preflight import Readiness, Resumption
from tgrpo.cli.report import (
    print_head,
    print_paths,
    print_result,
    print_time,
)
from tgrpo.config import TrainConfig
from tgrpo.programs import TaskProgram
from tgrpo.progress import Forecast
from tgrpo.training.planning import initial_rates, plan
from tgrpo.training.ranks import Ranks
from tgrpo.training.result import TrainingResult, read_result
from tgrpo.training.run_folder import RunFolder
from tgrpo.training.trainer import train


def run_training(resolved: Resolved, readiness: Readiness, ranks: Ranks) -> TrainingResult:
    """`tgrpo train`: one policy on all tasks."""
    console, config, selection = make_console(), resolved.config, readiness.selection
    print_warnings(console, readiness.warnings)
    tasks = [item.task for item in selection.used]
    check_inputs(config, tasks)
    # Of OpenVLA nobody knows before its first decisions; `tgrpo plan` says what is possible.
    guess = config.policy.kind != "openvla"
    rates = initial_rates(config)
    seconds = Forecast(plan(config, tasks), rates).seconds_left() if guess else None
    print_head(
        console,
        config,
        selection,
        preset=resolved.preset,
        workers=worker_count(config),
        seconds=seconds,
    )
    folder = RunFolder.create(config.run_dir, run_name(tasks), datetime.now())
    console.print(f"folder    {folder.path}\n", markup=False, soft_wrap=True)
    return _train(console, config, selection.used, folder, ranks)


def run_resumption(resumption: Resumption, ranks: Ranks) -> None:
    """`tgrpo train --resume`."""
    console, config, folder = make_console(), resumption.config, resumption.folder
    result = read_result(folder)
    if result is not None and result.of("last").iteration == config.iterations:
        _print_end(console, config, result)
        console.print(
            f"\n{folder.path} is finished: nothing is left to do. --iterations N, more than "
            f"{config.iterations}, would go on with it.",
            markup=False,
            soft_wrap=True,
        )
        return
    print_warnings(console, resumption.warnings)
    if not folder.state(0).is_file():
        check_inputs(config, [item.task for item in resumption.programs])
    console.print(f"folder    {folder.path}\n", markup=False, soft_wrap=True)
    _train(console, config, resumption.programs, folder, ranks)


def _train(
    console: Console,
    config: TrainConfig,
    programs: Sequence[TaskProgram],
    folder: RunFolder,
    ranks: Ranks,
) -> TrainingResult:
    with _telling_how_to_go_on(folder), make_listener(console) as listener:
        result = train(config, programs, folder, listener, ranks)
    _print_end(console, config, result)
    return result


@contextlib.contextmanager
def _telling_how_to_go_on(folder: RunFolder) -> Iterator[None]:
    """However the block ends before its time, the last line is what goes on with the run."""
    go_on = f"to go on with this run: {folder.resume_command}"
    try:
        with _ended_like_by_ctrl_c(signal.SIGTERM, signal.SIGHUP) as received:
            yield
    except KeyboardInterrupt:
        by = f" by {received[0].name}" if received else ""
        fail(
            f"interrupted{by}; {folder.path} keeps what was finished: {finished_files(folder)}"
            f"\n{go_on}",
            128 + received[0] if received else INTERRUPTED,
        )
    except Exception as error:  # raised again: whatever it is, the run can be gone on with
        error.add_note(go_on)
        raise


@contextlib.contextmanager
def _ended_like_by_ctrl_c(*numbers: signal.Signals) -> Iterator[list[signal.Signals]]:
    """What a scheduler or a closed terminal sends ends the block as Ctrl-C does; which it was."""
    received: list[signal.Signals] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return

    def interrupt(number: int, _: FrameType | None) -> None:
        received.append(signal.Signals(number))
        raise KeyboardInterrupt

    # One that is ignored, as nohup does with SIGHUP, stays ignored.
    before = {
        number: signal.signal(number, interrupt)
        for number in numbers
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


def _print_end(console: Console, config: TrainConfig, result: TrainingResult) -> None:
    print_result(console, result, config.algorithm)
    print_time(console, result)
    folder = result.folder
    print_paths(
        console,
        [
            ("run folder", folder.path),
            ("results", folder.results),
            ("SFT policy", folder.checkpoint("sft")),
            ("last policy", folder.checkpoint("last")),
            ("best policy", folder.checkpoint("best")),
            ("metrics", folder.path / "metrics.jsonl"),
        ],
    )
