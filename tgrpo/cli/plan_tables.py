"""Estimates as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console
from rich.table import Table

from tgrpo.estimates.cards import GB, TERA
from tgrpo.estimates.fitting import advice, gib
from tgrpo.estimates.memory import ADAPTERS
from tgrpo.estimates.plan import CAMERA, Plan
from tgrpo.estimates.time import matrix_rate
from tgrpo.estimates.weights import adapter_parameters, parameters
from tgrpo.openvla_shapes import NUM_PATCHES

Row = tuple[str, str, str]  # what, how much, of what


def print_tables(console: Console, head: str, tables: Mapping[str, Sequence[Row]]) -> None:
    console.print(head, markup=False)
    for title, rows in tables.items():
        table = Table(title=title, title_justify="left", show_header=False, box=None)
        table.add_column(style="bold")
        table.add_column(justify="right")
        table.add_column()
        for row in rows:
            table.add_row(*row)
        console.print()
        console.print(table)
    console.print()


def print_openvla(console: Console, plan: Plan) -> None:
    """All of a plan, and whether it fits."""
    card, setting = plan.card, plan.setting
    rate = matrix_rate(card, setting.precision) / TERA
    head = (
        f"{plan.policy}: {parameters(plan.shapes) / 10**9:.3g} billion weights in "
        f"{setting.precision}, {setting.cards} × {card.name}"
    )
    tables = {
        f"memory of each GPU, of {gib(card.memory)}": tuple(_memory_rows(plan)),
        "memory of the machine": tuple(_host_rows(plan)),
        f"time at best, with {card.bandwidth / GB:.0f} GB/s and {rate:.0f} TFLOP/s": tuple(
            _time_rows(plan)
        ),
    }
    print_tables(console, head, tables)
    needed = f"{gib(plan.memory.peak)} of {gib(card.memory)}"
    lines = [f"fits: {needed}"] if plan.fits else [f"does not fit: {needed}", *advice(plan.changes)]
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)


def duration(seconds: float) -> str:
    """12.0 ms, 3.4 s, 5.6 min, 7.8 h."""
    if seconds < 1:
        return f"{1000 * seconds:.1f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _memory_rows(plan: Plan) -> Iterator[Row]:
    memory, setting = plan.memory, plan.setting
    trained = adapter_parameters(plan.shapes, setting.rank) / 10**6
    yield "weights", gib(memory.weights), "the reference has the same"
    yield (
        "LoRA",
        gib(memory.adapter),
        f"rank {setting.rank}: {ADAPTERS} times {trained:.3g} million in float32",
    )
    yield "its gradients and moments", gib(memory.gradients + memory.moments), "AdamW, in float32"
    yield "overhead", gib(memory.overhead), "CUDA's context and workspaces; assumed"
    if memory.renderers:
        drawn = f"by {setting.renderers} simulators, where EGL takes the first GPU; assumed"
        yield "drawing", gib(memory.renderers), drawn
    arms = f"{setting.batch} at once, {setting.sequence} tokens"
    yield "rollout: keys and values", gib(memory.cache), arms
    tokens = f"{setting.views * NUM_PATCHES} of images, {setting.prompt} of the prompt"
    yield "rollout: prefill", gib(memory.prefill), tokens
    if memory.part:
        yield "rollout: own part", gib(memory.part), "of frozen blocks, beside the whole ones"
    layers = "layers are computed again" if setting.checkpointing else "layers keep theirs"
    micro = f"{setting.micro_batch} decisions, {layers}"
    yield "update: activations", gib(memory.activations), micro
    if memory.spread:
        yield (
            "update: on other GPUs",
            gib(-memory.spread),
            "frozen blocks, of which each has a part",
        )
    yield "peak", gib(memory.peak), "what is held, and the larger of rollout and update"


def _host_rows(plan: Plan) -> Iterator[Row]:
    host, work = plan.host, plan.workload
    yield "simulators", gib(host.simulators), f"{work.workers} processes"
    yield "renderers", gib(host.renderers), "a task with its textures in each"
    yield "learner", gib(host.learner), "torch, and what an iteration's groups are but images"
    images = f"{work.decisions} of {CAMERA.height} × {CAMERA.width}, uint8, twice"
    yield "images", gib(host.images), images
    yield "peak", gib(host.peak), ""


def _time_rows(plan: Plan) -> Iterator[Row]:
    times, work = plan.times, plan.workload
    parts = f"prefill {duration(times.prefill)}, decode {duration(times.decode)}"
    if plan.setting.parallel:
        parts = f"{plan.setting.chunk} actions each, in one pass"
    yield "a decision", duration(times.decision), f"of {plan.setting.arms} arms: {parts}"
    ready = f"; {duration(work.image)} of a core for its images, assumed" if work.image else ""
    limit = f"{work.decisions}: every episode to its limit{ready}"
    yield "an iteration's decisions", duration(times.policy), limit
    steps = f"{1 / work.step:.0f} decisions/s on each of {work.workers} cores; assumed"
    yield "its simulation", duration(times.simulating), steps
    samples = f"{work.epochs * work.decisions / times.updating:.3g} decisions/s"
    yield "its update", duration(times.updating), samples
    overlap = "the first two at the same time" if work.lanes > 1 else "one after the other"
    yield "an iteration", duration(times.iteration), overlap
