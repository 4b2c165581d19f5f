"""Whether a network and what is done with it fit a card, and what would where they do not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from tgrpo.estimates.memory import Memory, Precision, Setting, memory_of
from tgrpo.openvla_shapes import Shapes

CARDS_OF_A_MACHINE = (2, 4, 8)
Kind = Callable[[Setting], Iterator[Setting]]  # of change: settings, the smallest change first
_FEWEST_ARMS = 2  # that can be compared
_FEW_SIMULATORS = 2  # one draws while the other's images are looked at
_COARSER: dict[Precision, tuple[Precision, ...]] = {
    "float32": ("bfloat16", "int8"),
    "bfloat16": ("int8",),
    "int8": (),
}


class DoesNotFitError(RuntimeError):
    """More memory is needed than there is; the message says for what, and what would fit."""


@dataclass(frozen=True, slots=True)
class Change:
    """Another setting, what differs in it, what sets that in a run, and the memory it needs."""

    text: str
    setting: Setting
    options: tuple[str, ...]
    memory: Memory


def check_fits(shapes: Shapes, setting: Setting, available: float) -> None:
    """Raise DoesNotFitError unless all of it fits the `available` bytes of each card."""
    memory = memory_of(shapes, setting)
    if memory.peak <= available:
        return
    lines = [
        f"not enough memory: {gib(memory.peak)} of each GPU, {gib(available)} are there",
        f"  weights {gib(memory.weights)}, {_beside_the_weights(memory, setting)}",
        *advice(what_fits(shapes, setting, available)),
    ]
    raise DoesNotFitError("\n".join(lines))


def _beside_the_weights(memory: Memory, setting: Setting) -> str:
    drawn = f", drawing {gib(memory.renderers)}" if memory.renderers else ""
    if not setting.learning:
        return f"LoRA {gib(memory.adapter)}{drawn}, episodes {gib(memory.rollout)}"
    learning = memory.adapter + memory.gradients + memory.moments
    return (
        f"LoRA with its optimiser {gib(learning)}{drawn}, then a rollout "
        f"({gib(memory.rollout + memory.part)}) or an update ({gib(memory.activations)})"
    )


def advice(changes: Iterable[Change]) -> list[str]:
    """Lines that name what would fit."""
    lines = [f"  {change.text}: {gib(change.memory.peak)}{_how(change)}" for change in changes]
    return ["what would fit:", *lines] if lines else ["nothing that can be set here would fit"]


def gib(count: float) -> str:
    return f"{count / (1 << 30):.1f} GiB"


def what_fits(shapes: Shapes, setting: Setting, available: float) -> tuple[Change, ...]:
    """The smallest change of each kind that suffices; several together where none does."""
    frugal = _checkpointing, _micro_batches, _arms, _renderers
    alone = _each(shapes, setting, frugal, available) or _each(
        shapes, setting, (_frugal,), available
    )
    alone += _each(shapes, setting, (_precisions, _cards), available)
    return tuple(alone or _each(shapes, setting, (_everything,), available))


def _each(
    shapes: Shapes, setting: Setting, kinds: Iterable[Kind], available: float
) -> list[Change]:
    found = [_first_that_fits(shapes, setting, kind(setting), available) for kind in kinds]
    return [change for change in found if change is not None]


def _first_that_fits(
    shapes: Shapes, asked: Setting, others: Iterable[Setting], available: float
) -> Change | None:
    for other in others:
        memory = memory_of(shapes, other)
        if memory.peak <= available:
            return Change(_difference(asked, other), other, _options(asked, other), memory)
    return None


def _checkpointing(setting: Setting) -> Iterator[Setting]:
    if not setting.checkpointing:
        yield replace(setting, checkpointing=True)


def _micro_batches(setting: Setting) -> Iterator[Setting]:
    size = setting.micro_batch
    while size > 1:
        size //= 2
        yield replace(setting, micro_batch=size)


def _arms(setting: Setting) -> Iterator[Setting]:
    """Smaller batches of an evaluation first: they decide no result."""
    size = setting.batch
    while size > _FEWEST_ARMS:
        size = max(_FEWEST_ARMS, size // 2)
        arms, evaluation = min(setting.arms, size), min(setting.evaluation, size)
        yield replace(setting, arms=arms, evaluation=evaluation)


def _renderers(setting: Setting) -> Iterator[Setting]:
    count = setting.renderers
    while count > _FEW_SIMULATORS:
        count = max(_FEW_SIMULATORS, count // 2)
        yield replace(setting, renderers=count)


def _precisions(setting: Setting) -> Iterator[Setting]:
    for precision in _COARSER[setting.precision]:
        yield replace(setting, precision=precision)


def _cards(setting: Setting) -> Iterator[Setting]:
    for cards in CARDS_OF_A_MACHINE:
        if cards > setting.cards or (cards == setting.cards and not setting.sharded):
            yield replace(setting, cards=cards, sharded=True)


def _frugal(setting: Setting) -> Iterator[Setting]:
    """All that saves memory on one card and leaves the weights as they are."""
    least, few = min(_FEWEST_ARMS, setting.arms), min(_FEW_SIMULATORS, setting.renderers)
    thrifty = replace(setting, checkpointing=True, micro_batch=1)
    fewer = (setting.arms, setting.renderers), (least, setting.renderers), (least, few)
    for arms, renderers in fewer:
        evaluation = min(arms, setting.evaluation)
        yield replace(thrifty, arms=arms, evaluation=evaluation, renderers=renderers)


def _everything(setting: Setting) -> Iterator[Setting]:
    yield from _frugal(replace(setting, precision="int8"))  # which more cards do not share


def _difference(asked: Setting, other: Setting) -> str:
    """What was changed, in words."""
    words: list[str] = []
    if other.precision != asked.precision:
        words.append("8-bit weights" if other.precision == "int8" else other.precision)
    if other.checkpointing != asked.checkpointing:
        words.append("gradient checkpointing")
    if other.micro_batch != asked.micro_batch:
        words.append(f"micro-batches of {other.micro_batch}")
    if other.arms != asked.arms:
        words.append(f"groups of {other.arms} arms")
    if other.evaluation != asked.evaluation:
        words.append(f"evaluations of {other.evaluation} episodes at once")
    if other.renderers != asked.renderers:
        words.append(f"{other.renderers} simulator processes")
    if (other.cards, other.sharded) != (asked.cards, asked.sharded):
        words.append(f"{other.cards} GPUs that share the weights, under torchrun")
    return ", ".join(words)


def _options(asked: Setting, other: Setting) -> tuple[str, ...]:
    """Of `tgrpo train`, and what starts it on several GPUs; or of `tgrpo eval`."""
    values = {
        "openvla.precision": (asked.precision, other.precision),
        "learner.micro_batch": (asked.micro_batch, other.micro_batch),
        "rollout.group_size": (asked.arms, other.arms),
    }
    options = [f"--set {name}={new}" for name, (old, new) in values.items() if new != old]
    if other.evaluation != asked.evaluation:
        name = "--set evaluation.batch_size=" if asked.learning else "--batch-size "
        options.append(f"{name}{other.evaluation}")
    if other.renderers != asked.renderers:
        options.append(f"{'--set workers=' if asked.learning else '--workers '}{other.renderers}")
    if other.cards != asked.cards:
        options.append(f"torchrun --nproc-per-node {other.cards} -m tgrpo train")
    return tuple(options)


def _how(change: Change) -> str:
    return f"  ({' '.join(change.options)})" if change.options else ""
