"""What scoring a state costs in a batch: a ten-stage program on numpy and on torch, beside rivals.

    python benchmarks/batched_scoring.py [--episodes 1024 4096] [--steps 20] [--repeat 5]

Scores episodes of made-up states at once, from snapshots to rewards. Beside it: our own scalar
evaluator on the same states, and rtamt's monitor of a signal temporal logic, which is handed the
distances ready and says only how far "one after the other" holds (`pip install '.[benchmarks]'`;
left out where it is not installed). Prints medians in microseconds of CPU time per state; the last
line is JSON.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from made_up_states import SCENE, TEN_STAGES, states

import rewardlang
from rewardlang.runtime.evaluator import Evaluator


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--episodes", type=int, nargs="+", default=[1024, 4096], help="N")
    parser.add_argument("--steps", type=int, default=20, help="control steps of each, T")
    parser.add_argument("--repeat", type=int, default=5, help="times that each is measured")
    arguments = parser.parse_args()

    program = rewardlang.analyze(TEN_STAGES).program
    assert program is not None
    evaluator = rewardlang.compile(program)
    results = {
        count: measure(evaluator, count, arguments.steps, arguments.repeat)
        for count in arguments.episodes
    }
    report(results)


def measure(evaluator: Evaluator, count: int, steps: int, repeat: int) -> dict[str, list[float]]:
    """Microseconds per state, one number per repetition."""
    scene = rewardlang.load_scene(SCENE)
    values = states(evaluator.requirements(scene), count, steps + 1)
    batched = evaluator.batched(scene, max_steps=steps)
    tensors = torch.from_numpy(values)
    some = values[: max(1, 2000 // steps)].tolist()  # the others take that much longer
    functions: dict[str, tuple[Callable[[], object], int]] = {
        "numpy": (lambda: batched.score(values), count * steps),
        "torch": (lambda: batched.score(tensors), count * steps),
        "scalar": (lambda: scalar(evaluator, some, steps), len(some) * steps),
    }
    if monitor := rtamt_monitor():
        signals = signals_of(evaluator, values[:1])
        functions["rtamt"] = (lambda: monitor(signals), len(signals["time"]))
    times: dict[str, list[float]] = {name: [] for name in functions}
    for function, _ in functions.values():
        function()
    for _ in range(repeat):
        for name, (function, number) in functions.items():
            start = time.process_time()
            function()
            times[name].append((time.process_time() - start) / number * 1e6)
    return times


def scalar(evaluator: Evaluator, episodes: list[list[list[float]]], steps: int) -> None:
    """The evaluator on each state in turn."""
    scene = rewardlang.load_scene(SCENE)
    reward_fn = evaluator.attach(rewardlang.Snapshot, scene, max_steps=steps)
    for first, *rest in episodes:
        memory = reward_fn.reset(first)
        for values in rest:
            _, memory = reward_fn(values, memory)


def rtamt_monitor() -> Callable[[dict[str, list[float]]], object] | None:
    """The robustness of "reach, then grasp, then lift, then carry, then lower" for both objects."""
    try:
        import rtamt
    except ImportError:
        return None
    monitor = rtamt.StlDiscreteTimeSpecification()
    names = [f"{what}_{item}" for item in ("soup", "sauce") for what in WATCHED]
    for name in (*names, "out"):
        monitor.declare_var(name, "float")
    monitor.spec = f"out = ({_in_order('soup')}) and ({_in_order('sauce')})"
    monitor.parse()
    return monitor.evaluate


WATCHED = {
    "near": "<= 0.03", "held": ">= 0.5", "height": ">= 0.16", "aside": "<= 0.02", "gap": "<= 0",
}  # fmt: skip


def _in_order(item: str) -> str:
    text = ""
    for what, limit in reversed(WATCHED.items()):
        condition = f"({what}_{item} {limit})"
        text = f"eventually({condition} and {text})" if text else f"eventually({condition})"
    return text


def signals_of(evaluator: Evaluator, values: np.ndarray) -> dict[str, list[float]]:
    """What the monitor watches, worked out beforehand: it is timed without any geometry."""
    functions = evaluator._functions
    at = {str(fact): offset for fact, offset in evaluator._requirements.offsets().items()}
    basket = at["frame of basket_1_contain_region"]
    states = [state for episode in values.tolist() for state in episode]
    signals: dict[str, list[float]] = {"time": [float(number) for number in range(len(states))]}
    for item, name in (("soup", "alphabet_soup_1"), ("sauce", "tomato_sauce_1")):
        frame, pads = at[f"frame of {name}"], at[f"contact with the finger pads of {name}"]
        measures = {
            "near": lambda v, frame=frame: functions["point_gap"](v, *v[:3], frame),
            "held": lambda v, pads=pads: min(v[pads], v[pads + 1]),
            "height": lambda v, frame=frame: v[frame + 2] - states[0][frame + 2],
            "aside": lambda v, frame=frame: functions["side_gap"](v, frame, basket),
            "gap": lambda v, frame=frame: functions["in_region_gap"](v, frame, basket),
        }
        for what, measure_ in measures.items():
            signals[f"{what}_{item}"] = [measure_(state) for state in states]
    return signals


def report(results: dict[int, dict[str, list[float]]]) -> None:
    medians = {
        count: {name: statistics.median(values) for name, values in times.items()}
        for count, times in results.items()
    }
    for count, times in results.items():
        print(f"{count} episodes{'median':>12}  {'fastest':>9}  {'ours is':>9}   µs per state")
        for name, values in times.items():
            ratio = medians[count][name] / medians[count]["numpy"]
            print(f"{name:<12} {medians[count][name]:>12.2f}  {min(values):>9.2f}  {ratio:>8.1f}×")
    print(
        json.dumps(
            {
                "benchmark": "batched_scoring",
                "stages": 10,
                "median_us": {
                    n: {k: round(v, 3) for k, v in m.items()} for n, m in medians.items()
                },
                "fastest_us": {
                    n: {k: round(min(v), 3) for k, v in t.items()} for n, t in results.items()
                },
                "python": platform.python_version(),
                "numpy": np.__version__,
                "torch": torch.__version__,
                "platform": sys.platform,
            }
        )
    )


if __name__ == "__main__":
    main()
