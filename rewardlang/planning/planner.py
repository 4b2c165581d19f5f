"""The offline planner: LIBERO's goal -> a program with explicit stages, deterministically.

`steps` says what has to be done in which order; `placing`, `parts` and `pushing` write the stages
of one step; here they become a program.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rewardlang.checking.library import GOAL_PREDICATES
from rewardlang.planning import parts, placing, pushing
from rewardlang.planning.aliases import choose_aliases, look_alikes
from rewardlang.planning.heights import circle, stands
from rewardlang.planning.steps import (
    PARTS,
    PLACEMENTS,
    Atom,
    Cause,
    Layers,
    Step,
    cause,
    doors,
    kept,
    order,
    steps,
)
from rewardlang.planning.wording import comment, said_once, say, which
from rewardlang.scene import Scene
from rewardlang.source import Source
from rewardlang.syntax.formatter import format_program
from rewardlang.syntax.parser import is_name, parse

KEPT_WEIGHT = 0.5  # of what must stay as it is, where a goal beside it weighs 1


class PlannerError(ValueError):
    """A goal that this planner cannot plan. `reasons`: one sentence per atom or obstacle."""

    def __init__(self, scene_id: str, reasons: Sequence[str]):
        listed = "\n".join(f"  - {reason}" for reason in reasons)
        super().__init__(f"no plan for {scene_id}:\n{listed}")
        self.scene_id = scene_id
        self.reasons = tuple(reasons)


def plan(scene: Scene) -> str:
    """The program for a scene's own goal, in canonical layout.

    Raises PlannerError, with all reasons at once, where the goal cannot be planned.
    """
    reasons = tuple(_obstacles(scene))
    branches = order(scene, steps(scene)) if not reasons else None
    if branches is None:
        raise PlannerError(scene.id, reasons or ("the goal stacks objects in a circle",))
    names = _names(scene, branches)
    if unnamed := [name for name in dict.fromkeys(names) if not is_name(name)]:
        message = "is no name that a program can say: a letter, then letters, digits and `_`"
        raise PlannerError(scene.id, [f"`{name}` {message}" for name in unnamed])
    draft = _Draft(scene, branches, choose_aliases(scene, names))
    parsed = parse(Source("\n".join(said_once(draft.program())), f"{scene.id}.rl"))
    assert parsed.tree is not None, parsed.diagnostics
    assert not parsed.diagnostics, parsed.diagnostics
    return format_program(parsed.tree)


def _obstacles(scene: Scene) -> Iterator[str]:
    if not scene.goal:
        yield "the goal is empty"
    elif len(kept(scene)) == len(scene.goal):
        yield "the goal holds at reset: there is nothing to do"
    unknown = [atom for atom in scene.goal if atom[0] not in (*PLACEMENTS, *PARTS)]
    if unknown:
        known = ", ".join(f"`{verb}`" for verb in (*PLACEMENTS, *PARTS))
        yield from (f"{_spell(atom)}: only {known} can be planned" for atom in unknown)
        return
    for step in steps(scene):
        found = (placing if step.is_placement else parts).obstacle(scene, step)
        if found:
            yield f"{_spell(step.atom)}: {found}"
    yield from _circles(scene)


def _circles(scene: Scene) -> Iterator[str]:
    """The first stack without a lowest object: it has no heights."""
    reset, goal = stands(scene.initial), stands(scene.goal)
    stacks = {
        "the reset state stacks": reset,
        "the goal stacks": goal,
        "the goal, with what stands elsewhere as at reset, stacks": {**reset, **goal},
    }
    for what, where in stacks.items():
        if found := circle(scene, where):
            relations = (" ".join((name, *where[name])) for name in found)
            yield f"{what} objects in a circle: {', '.join(relations)}"
            return


def _spell(atom: Atom) -> str:
    return f"`{atom[0]}({', '.join(atom[1:])})`"


def _names(scene: Scene, branches: Sequence[Layers]) -> list[str]:
    """What the program speaks of, in the order of its steps."""
    todo = [step for layers in branches for layer in layers for step in layer]
    names = [name for step in todo for name in (*step.names, *_guards(scene, step, todo))]
    return [*names, *(name for atom in kept(scene) for name in atom[1:])]


def _guards(scene: Scene, step: Step, todo: Sequence[Step]) -> tuple[str, ...]:
    """The parts that must not be shut during a step, where nothing else watches over them.

    An opening that the goal asks for is undone with the part; one that it does not ask for is
    not, and a part that is to be closed afterwards might be closed too early.
    """
    watched = {other.thing for other in todo if other.verb == "open" and other.asked}
    moved = {other.thing for other in todo if other.verb in ("open", "close")} - watched
    return tuple(part for part in doors(scene, step) if part in moved)


def _weights(siblings: Sequence[Layers]) -> list[str]:
    """Their `weight` clauses: placing is twice the work of opening, closing or turning."""
    work = [
        sum(2 if step.is_placement else 1 for layer in layers for step in layer)
        for layers in siblings
    ]
    return [f"weight {share}" if len(set(work)) > 1 else "" for share in work]


@dataclass(frozen=True)
class _Draft:
    """A program in the making: lines for the parser, layout left to the formatter."""

    scene: Scene
    branches: tuple[Layers, ...]
    aliases: Mapping[str, str]

    @property
    def todo(self) -> list[Step]:
        return [step for layers in self.branches for layer in layers for step in layer]

    def program(self) -> Iterator[str]:
        yield "rewardlang 1"
        yield f'task "{self.scene.instruction}"'
        yield f'scene "{self.scene.id}"'
        yield ""
        yield from self.objects()
        yield ""
        yield from self.root()
        yield ""
        yield "success bddl"

    def objects(self) -> Iterator[str]:
        """What tells look-alikes apart is said once for all of a kind."""
        moved = {step.thing for step in self.todo if step.is_placement}
        explained: set[str] = set()
        for name, alias in self.aliases.items():
            if name not in explained:
                yield from comment(which(self.scene, name, moved=name in moved))
                explained |= {item.name for item in look_alikes(self.scene, name)}
            yield f"object {alias} = {name}"

    def root(self) -> Iterator[str]:
        if len(self.todo) == 1 and not kept(self.scene):
            yield from comment(
                "A weight is a stage's share of the reward before success; success outranks them "
                "all."
            )
            yield "seq {"
            yield from self.stages(self.todo[0])
            yield "}"
        elif len(self.branches) == 1 and not kept(self.scene):
            yield from self.chain(self.branches[0])
        else:
            yield from self.side_by_side()

    def side_by_side(self) -> Iterator[str]:
        if len(self.branches) > 1:
            yield from comment("Neither goal waits for the other, so they stand side by side.")
        yield "all {"
        for layers, weight in zip(self.branches, _weights(self.branches), strict=True):
            if len(layers) == 1:
                yield from self.group(layers[0][0], weight)
            else:
                yield from self.chain(layers, weight)
        for atom in kept(self.scene):
            yield from self.keep(atom)
        yield "}"

    def chain(self, layers: Layers, weight: str = "") -> Iterator[str]:
        """One layer after the other."""
        yield from comment(" ".join(self.reasons(layers)))
        yield f"seq {weight} {{"
        for layer, share in zip(layers, _weights([(layer,) for layer in layers]), strict=True):
            if len(layer) == 1:
                yield from self.group(layer[0], share)
                continue
            yield f"all {share} {{"
            for step, part in zip(layer, _weights([((step,),) for step in layer]), strict=True):
                yield from self.group(step, part)
            yield "}"
        yield "}"

    def group(self, step: Step, weight: str) -> Iterator[str]:
        """One step among others."""
        guards = " and ".join(
            f"not shut({self.aliases[part]})" for part in _guards(self.scene, step, self.todo)
        )
        yield f"seq {self.name(step)} {weight} {'while ' + guards if guards else ''} {{"
        yield from self.stages(step)
        yield "}"

    def name(self, step: Step) -> str:
        alias = self.aliases[step.thing]
        return f"{alias}_{step.verb}" if step.is_placement else parts.state_name(step.verb, alias)

    def stages(self, step: Step) -> Iterator[str]:
        if not step.is_placement:
            yield from parts.stages(self.scene, step, self.aliases)
        elif pushing.is_push(self.scene, step):
            yield from pushing.stages(self.scene, step, self.aliases)
        else:
            last = len(self.branches) == 1 and self.branches[0][-1] == (step,)
            yield from placing.stages(self.scene, step, self.aliases, last=last)

    def keep(self, atom: Atom) -> Iterator[str]:
        verb, *things = atom
        names = [self.aliases[thing] for thing in things]
        name = f"{names[0]}_{verb}" if verb in PLACEMENTS else parts.state_name(verb, names[0])
        yield from comment("True at reset: it earns nothing, and costs its share while undone.")
        goal = f"{GOAL_PREDICATES[verb]}({', '.join(names)})"
        yield f"keep {name} weight {KEPT_WEIGHT} {{ {goal} }}"

    def reasons(self, layers: Layers) -> Iterator[str]:
        """Why the layers stand in this order, each reason once."""
        below = [step for layer in layers for step in layer]
        found = (self.reason(a, b) for i, b in enumerate(below) for a in below[:i])
        yield from dict.fromkeys(reason for reason in found if reason)

    def reason(self, earlier: Step, later: Step) -> str:
        first, then = say(self.aliases[earlier.thing]), say(self.aliases[later.thing])
        match cause(self.scene, earlier, later):
            case Cause.SUPPORT:
                return "What stands below comes first."
            case Cause.OPENING:
                unasked = "" if earlier.asked else ", though the goal does not say so"
                return f"The {first} is shut at reset: it is opened first{unasked}."
            case Cause.FILLING:
                return f"The {first} is placed first, then the {then} is shut."
            case None:
                return ""
