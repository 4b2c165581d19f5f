"""What a keystroke in an editor costs: from `didChange` to the diagnostics of that version.

    python benchmarks/lsp_keystroke.py [--keys 200]

Starts `rewardlang lsp`, opens the longest program in tasks/ and types into it, one character at a
time, a stage that is wrong until it is finished. The rival in the same run is `rewardlang check`
as a process of its own, which is what an editor without a server would start. Beside them the CPU
time of the analysis alone, which a busy machine does not change. Prints medians in milliseconds;
the last line is JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from lsprotocol import types as lsp
from pygls.lsp.client import LanguageClient

from rewardlang.api import analyze
from rewardlang.lsp.server import QUIET

TASKS = Path(__file__).parent.parent / "tasks"
URI = "file:///benchmark.rl"
TYPED = "  stage typed weight 2 { until near(gripper, gripper, 3 cm) for 3 steps }\n"
CHECKS = 3  # processes of the rival


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--keys", type=int, default=200, help="keystrokes to measure")
    arguments = parser.parse_args()

    path = max(TASKS.rglob("*.rl"), key=lambda file: len(file.read_text("utf-8")))
    texts = typed(path.read_text("utf-8"), arguments.keys)
    keystrokes = asyncio.run(keystroke_times(texts))
    analyses = [timed(lambda text=text: analyze(text), time.process_time_ns) for text in texts]
    command = [sys.executable, "-m", "rewardlang", "check", str(path)]
    checks = [
        timed(lambda: subprocess.run(command, capture_output=True, check=True))
        for _ in range(CHECKS)
    ]
    report(path, {"keystroke": keystrokes, "analysis_cpu": analyses, "check_process": checks})


def typed(text: str, keys: int) -> list[str]:
    """The texts after each of `keys` characters, typed before the program's last stage."""
    at = text.rindex("  stage ")
    stage = TYPED * (keys // len(TYPED) + 1)
    return [text[:at] + stage[:count] + text[at:] for count in range(1, keys + 1)]


async def keystroke_times(texts: list[str]) -> list[float]:
    """Milliseconds from each change to its diagnostics; each waits for the one before."""
    client = LanguageClient("benchmark", "1")
    published: asyncio.Queue[int | None] = asyncio.Queue()
    receive = client.feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
    receive(lambda params: published.put_nowait(params.version))
    await client.start_io(sys.executable, "-m", "rewardlang", "lsp")
    await client.initialize_async(lsp.InitializeParams(capabilities=lsp.ClientCapabilities()))
    client.initialized(lsp.InitializedParams())
    item = lsp.TextDocumentItem(URI, "rewardlang", 0, texts[0])
    client.text_document_did_open(lsp.DidOpenTextDocumentParams(item))
    await published.get()
    times = []
    for version, text in enumerate(texts, start=1):
        document = lsp.VersionedTextDocumentIdentifier(version, URI)
        change = lsp.TextDocumentContentChangeWholeDocument(text)
        start = time.perf_counter_ns()
        client.text_document_did_change(lsp.DidChangeTextDocumentParams(document, [change]))
        while await published.get() != version:
            pass
        times.append((time.perf_counter_ns() - start) / 1e6)
    await client.shutdown_async(None)
    client.exit(None)
    await client.stop()
    return times


def timed(call: Callable[[], object], clock: Callable[[], int] = time.perf_counter_ns) -> float:
    """Milliseconds that a call takes on a clock of nanoseconds."""
    start = clock()
    call()
    return (clock() - start) / 1e6


def report(path: Path, times: dict[str, list[float]]) -> None:
    medians = {name: statistics.median(values) for name, values in times.items()}
    characters = len(path.read_text("utf-8"))
    print(f"{path.relative_to(TASKS)}, {characters} characters")
    print(f"{'':<15} {'median':>8}  {'fastest':>8}  {'slowest':>8}   ms")
    for name, values in times.items():
        print(f"{name:<15} {medians[name]:>8.1f}  {min(values):>8.1f}  {max(values):>8.1f}")
    print(f"a keystroke waits {1000 * QUIET:.0f} ms for the next one before the text is checked")
    print(
        json.dumps(
            {
                "benchmark": "lsp_keystroke",
                "characters": characters,
                "keys": len(times["keystroke"]),
                "median_ms": {name: round(value, 2) for name, value in medians.items()},
                "fastest_ms": {name: round(min(values), 2) for name, values in times.items()},
                "quiet_ms": 1000 * QUIET,
                "python": platform.python_version(),
                "platform": sys.platform,
            }
        )
    )


if __name__ == "__main__":
    main()
