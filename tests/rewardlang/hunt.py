"""Fuzzing the front end with atheris, guided by coverage: bytes, tokens and mutated programs.

    python -m tests.rewardlang.hunt --minutes 10

Inputs that reach new code are kept in `tests/rewardlang/corpus/`. The first finding ends the hunt;
libFuzzer writes it to `crash-…`.
"""

from __future__ import annotations

import argparse
import importlib
import random
import sys

import atheris

UNDER_TEST = ("api", "checking.lints", "codegen.emit", "runtime.evaluator")

with atheris.instrument_imports(include=["rewardlang"]):
    for name in UNDER_TEST:
        importlib.import_module(f"rewardlang.{name}")
    from tests.rewardlang.fuzzing import CORPUS, TOKEN, damage, damaged, examine

LONGEST = 8192  # bytes: long enough for any program, short enough to be quick


def one(data: bytes) -> None:
    examine(data.decode("utf-8", errors="replace"))


def mutate(data: bytes, size: int, seed: int) -> bytes:
    """Bytes two times in five, otherwise tokens; now and then another program altogether."""
    rng = random.Random(seed)
    if rng.random() < 0.4:
        return bytes(atheris.Mutate(data, size))
    tokens = TOKEN.findall(data.decode("utf-8", errors="replace"))
    fresh = not tokens or rng.random() < 0.2
    text = damaged(rng) if fresh else "".join(damage(tokens, rng))
    return text.encode("utf-8", errors="replace")[:size]


def main() -> None:
    parser = argparse.ArgumentParser(description="Fuzz the front end of rewardlang.")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    CORPUS.mkdir(exist_ok=True)
    limits = [f"-max_total_time={int(60 * options.minutes)}", f"-max_len={LONGEST}"]
    limits += [f"-seed={options.seed}", "-timeout=30", "-rss_limit_mb=2048", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], str(CORPUS), *limits], one, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
