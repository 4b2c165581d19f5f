"""Hypothesis strategies for syntax trees, comments included, and for damaged program texts."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib import resources

from hypothesis import strategies as st

from rewardlang.datatypes import UNITS
from rewardlang.syntax import nodes
from rewardlang.syntax.formatter import format_program
from rewardlang.syntax.nodes import NO_TRIVIA, Trivia

KEYWORDS = frozenset(
    re.findall(
        r'"([a-z%]+)"', resources.files("rewardlang.syntax").joinpath("grammar.lark").read_text()
    )
)

names = st.one_of(
    st.sampled_from(
        ["soup", "milk_1", "near", "in", "grasped", "place_in", "gripper", "x", "mm_1"]
    ),
    st.text("abz_019", max_size=6).map(lambda text: f"n{text}"),
).map(nodes.Name)
numbers = st.one_of(
    st.integers(0, 9999).map(float),
    st.integers(0, 99_999_999).map(lambda n: n / 10_000),
).map(nodes.Number)
strings = st.text(
    st.characters(exclude_characters='"\\\n', exclude_categories=("Cs",)), min_size=1, max_size=40
).map(nodes.String)
quantities = st.builds(
    nodes.Quantity, numbers.map(lambda number: number.value), st.sampled_from(sorted(UNITS))
)
args = st.recursive(
    names | quantities,
    lambda inner: st.builds(nodes.Call, names, st.lists(inner, max_size=2).map(tuple)),
    max_leaves=4,
)
calls = st.builds(nodes.Call, names, st.lists(args, max_size=3).map(tuple))


def _joined(kind: type[nodes.And | nodes.Or], inner: st.SearchStrategy) -> st.SearchStrategy:
    """`and`/`or` of operands that are not of the same kind, as the parser builds them."""
    operands = st.lists(inner.filter(lambda e: not isinstance(e, kind)), min_size=2, max_size=3)
    return operands.map(lambda items: kind(tuple(items)))


exprs = st.recursive(
    calls,
    lambda inner: st.one_of(
        st.builds(nodes.Not, inner), _joined(nodes.And, inner), _joined(nodes.Or, inner)
    ),
    max_leaves=5,
)
comments = st.text(
    st.characters(exclude_characters="\n\r", exclude_categories=("Cs",)), max_size=12
).map(lambda text: f"#{text}".rstrip())
_no_comments = st.just(NO_TRIVIA)


def _lines(first_gap: bool, gaps: bool = True) -> st.SearchStrategy[tuple[str, ...]]:
    """Comment lines with single empty lines between them, as the parser leaves them."""
    lines = st.lists(comments | st.just("") if gaps else comments, max_size=3)

    def settled(found: list[str]) -> tuple[str, ...]:
        kept: list[str] = []
        for line in found:
            if line or (kept[-1] if kept else first_gap):
                kept.append(line)
        return tuple(kept)

    return lines.map(settled)


def _trivia(first_gap: bool, block: bool = False, gaps: bool = True) -> st.SearchStrategy[Trivia]:
    maybe = st.just("") | comments
    dangling = _lines(False).map(lambda t: t[:-1] if t and not t[-1] else t)
    full = st.builds(
        Trivia,
        leading=_lines(first_gap, gaps),
        head=maybe if block else st.just(""),
        dangling=dangling if block else st.just(()),
        trailing=maybe,
    )
    return st.one_of(_no_comments, full)


_clause_trivia = _trivia(False, gaps=False)
weights = st.none() | numbers
whiles = st.builds(nodes.While, exprs)
untils = st.builds(nodes.Until, exprs, st.none() | numbers, trivia=_clause_trivia)
progresses = st.builds(
    nodes.Progress,
    calls,
    st.none() | quantities,
    st.none() | quantities,
    trivia=_clause_trivia,
)
stages = st.builds(
    nodes.Stage,
    name=names,
    until=untils,
    weight=weights,
    mode=st.sampled_from(["", "latch", "live"]),
    progress=st.none() | progresses,
    while_=st.none() | st.builds(nodes.While, exprs, trivia=_clause_trivia),
    trivia=_trivia(True, block=True),
)
uses = st.builds(
    nodes.Use,
    macro=names,
    args=st.lists(args, min_size=1, max_size=3).map(tuple),
    name=st.none() | names,
    weight=weights,
    while_=st.none() | whiles,
    trivia=_trivia(True),
)
keeps = st.builds(nodes.Keep, names, exprs, weights, trivia=_trivia(True))


def _first_in_block(children: list[nodes.Node]) -> tuple[nodes.Node, ...]:
    """The first child of a block has no empty line in front of it."""
    first, *rest = children
    leading = first.trivia.leading
    while leading and not leading[0]:
        leading = leading[1:]
    return (replace(first, trivia=replace(first.trivia, leading=leading)), *rest)


def _groups(inner: st.SearchStrategy) -> st.SearchStrategy:
    return st.builds(
        nodes.Group,
        mode=st.sampled_from(["seq", "all", "any"]),
        children=st.lists(inner, min_size=1, max_size=3).map(_first_in_block),
        name=st.none() | names,
        weight=weights,
        while_=st.none() | whiles,
        trivia=_trivia(True, block=True),
    )


tree_nodes = st.recursive(st.one_of(stages, uses, keeps), _groups, max_leaves=6)


def _root(node: nodes.Node) -> nodes.Node:
    return _first_in_block([node])[0]


def _with_first(objects: list[nodes.Object]) -> tuple[nodes.Object, ...]:
    return _first_in_block(objects) if objects else ()


programs = st.builds(
    nodes.Program,
    version=st.builds(nodes.Version, st.just(nodes.Number(1.0)), trivia=_trivia(False)),
    task=st.builds(nodes.Task, strings, trivia=_trivia(False)),
    scene=st.builds(nodes.SceneName, strings, trivia=_trivia(False)),
    objects=st.lists(st.builds(nodes.Object, names, names, trivia=_trivia(True)), max_size=3).map(
        _with_first
    ),
    root=tree_nodes.map(_root),
    success=st.one_of(
        st.builds(nodes.Success, trivia=_trivia(False)),
        st.builds(nodes.Success, exprs, st.none() | numbers, trivia=_trivia(False)),
    ),
    shaping=st.none()
    | st.builds(
        nodes.Shaping,
        st.sampled_from(["level", "telescope", "pbrs", "sparse"]),
        st.none() | numbers,
        trivia=_trivia(True),
    ),
    penalties=st.lists(
        st.builds(nodes.Penalty, names, numbers, exprs, trivia=_trivia(True)), max_size=2
    ).map(tuple),
    comments=_lines(True).map(lambda t: t[:-1] if t and not t[-1] else t),
)

_WORDS = [
    *sorted(KEYWORDS),
    *'{}(),=%"#',
    "milk", "near", "12345", "-3", "0.5", "Soup", "untill", "```", "<=", "\n", "\\", "é", "\x1b",
    "'a'", "rewardlang 2", '"libero_object/x"',
]  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A program's text with words removed, repeated, swapped or put in."""
    text = format_program(draw(programs))
    words = text.replace("(", " ( ").replace(")", " ) ").split(" ")
    for _ in range(draw(st.integers(1, 6))):
        index = draw(st.integers(0, max(0, len(words) - 1)))
        match draw(st.sampled_from(["drop", "twice", "swap", "put", "cut"])):
            case "drop":
                del words[index : index + draw(st.integers(1, 4))]
            case "twice":
                words[index:index] = words[index : index + draw(st.integers(1, 8))]
            case "swap":
                other = draw(st.integers(0, max(0, len(words) - 1)))
                if words:
                    words[index], words[other] = words[other], words[index]
            case "put":
                words.insert(index, draw(st.sampled_from(_WORDS)))
            case "cut":
                words[index:] = words[index : index + 30]
    return " ".join(words)
