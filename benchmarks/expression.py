"""What evaluating a ten-stage program costs once the snapshot is there, beside other ways to do it.

    python benchmarks/expression.py [--episodes 20] [--steps 40]

Generated code from snapshot and memory to reward, on made-up states; the tree walk that the tests
hold it against, with two objects and twelve stages on the tests' own scene and its geometry in
numpy; and cel-python, which is given six comparisons of ready numbers: what one stage asks (`pip
install '.[benchmarks]'`; left out where it is not installed). Prints medians in microseconds of
CPU time; the last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the tree walk stands in tests/

from made_up_states import SCENE, TEN_STAGES, states

import rewardlang
from tests.rewardlang.interpreter import Interpreter
from tests.rewardlang.programs import all_, place_in, program
from tests.rewardlang.worlds import wander

SIX = "near <= 0.03 && left >= 0.5 && right >= 0.5 && lift >= 0.16 && aside <= 0.02 && gap <= 0.0"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--episodes", type=int, default=20)
    parser.add_argument("--steps", type=int, default=40, help="control steps of each")
    arguments = parser.parse_args()
    rivals: dict[str, Callable[[int, int], Iterator[Callable[[], object]]]] = {
        "generated code": generated,
        "tree walk": tree_walk,
    }
    times = {name: timed(make, arguments) for name, make in rivals.items()}
    if (cel := cel_program()) is not None:
        times["cel-python, six comparisons"] = timed(lambda *_: iter([cel] * 20), arguments)
    report(times)


def timed(make: Callable[[int, int], Iterator[Callable[[], object]]], arguments) -> list[float]:
    """Microseconds per step, one number per episode of `steps` calls."""
    means = []
    for step in make(arguments.episodes, arguments.steps):
        start = time.process_time_ns()
        for _ in range(arguments.steps):
            step()
        means.append((time.process_time_ns() - start) / arguments.steps / 1000)
    return means


def generated(episodes: int, steps: int) -> Iterator[Callable[[], object]]:
    """Snapshot's floats and memory to reward: what the reward function does besides reading."""
    ten = rewardlang.analyze(TEN_STAGES).program
    assert ten is not None
    evaluator, scene = rewardlang.compile(ten), rewardlang.load_scene(SCENE)
    reset, step = evaluator._functions["reset"], evaluator._functions["step"]
    for first, *rest in states(evaluator.requirements(scene), episodes, steps + 1).tolist():
        memory, coming = reset(first), iter(rest)
        yield lambda m=memory, c=coming: step(next(c), m, False, steps, 2.0)


class TreeWalk(Interpreter):
    """Values the tree once per step; the tests' own does so at every node that is judged."""

    judge = Interpreter.move


def tree_walk(episodes: int, steps: int) -> Iterator[Callable[[], object]]:
    """The same stages on the tests' own scene, whose geometry the tree walk knows."""
    basket = "basket_1_contain_region"
    twelve = program(
        all_(place_in("cup_1", basket, name="a"), place_in("plate_1", basket, name="b"))
    )
    for episode in range(episodes):
        first, *rest = wander(episode, steps + 1)
        walk, coming = TreeWalk(twelve, first, steps), iter(rest)
        yield lambda w=walk, c=coming: w.step(next(c))


def cel_program() -> Callable[[], object] | None:
    try:
        import celpy
    except ImportError:
        return None
    environment = celpy.Environment()
    ready = environment.program(environment.compile(SIX))
    names = ("near", "left", "right", "lift", "aside", "gap")
    numbers = dict(zip(names, (0.01, 1.0, 1.0, 0.2, 0.0, 0.0), strict=True))
    context = {name: celpy.celtypes.DoubleType(number) for name, number in numbers.items()}
    return lambda: ready.evaluate(context)


def report(times: dict[str, list[float]]) -> None:
    medians = {name: statistics.median(values) for name, values in times.items()}
    ours = medians["generated code"]
    print(f"{'':<30} {'median':>9}  {'fastest':>9}  {'ours is':>9}   µs per step")
    for name, values in times.items():
        print(
            f"{name:<30} {medians[name]:>9.2f}  {min(values):>9.2f}  {medians[name] / ours:>8.1f}×"
        )
    print(
        json.dumps(
            {
                "benchmark": "expression",
                "stages": 10,
                "median_us": {name: round(value, 3) for name, value in medians.items()},
                "fastest_us": {name: round(min(values), 3) for name, values in times.items()},
                "python": platform.python_version(),
                "platform": sys.platform,
            }
        )
    )


if __name__ == "__main__":
    main()
