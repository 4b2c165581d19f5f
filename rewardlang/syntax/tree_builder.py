"""Lark's parse tree -> our syntax tree, with spans and comments.

Knows the rules of `grammar.lark` by name, and of Lark only that a tree has `data`, `children`
and `meta`, and that a token is a string with `start_pos` and `end_pos`.
"""

from __future__ import annotations

from typing import Any

from rewardlang.source import Span
from rewardlang.syntax import nodes
from rewardlang.syntax.nodes import Trivia
from rewardlang.syntax.trivia import Attached

_NODE_RULES = ("seq", "all", "any", "use", "keep", "stage")


class Builder:
    """Builds the nodes of one program; `attached` holds the comments."""

    def __init__(self, attached: Attached):
        self._attached = attached

    def program(self, tree: Any) -> nodes.Program:
        parts = _parts(tree)
        root = next(child for child in tree.children if child.data in _NODE_RULES)
        return nodes.Program(
            version=self._version(parts["version"]),
            task=nodes.Task(*self._string_line(parts["task"])),
            scene=nodes.SceneName(*self._string_line(parts["scene"])),
            objects=tuple(self._object(t) for t in tree.children if t.data == "object_"),
            root=self.node(root),
            success=self._success(parts["success"]),
            shaping=self._shaping(parts["shaping"]) if "shaping" in parts else None,
            penalties=tuple(self._penalty(t) for t in tree.children if t.data == "penalty"),
            comments=self._attached.final,
            span=_span(tree),
        )

    def node(self, tree: Any) -> nodes.Node:
        match tree.data:
            case "stage":
                return self._stage(tree)
            case "use":
                return self._use(tree)
            case "keep":
                return self._keep(tree)
            case _:
                return self._group(tree)

    def _stage(self, tree: Any) -> nodes.Stage:
        parts = _parts(tree)
        return nodes.Stage(
            name=_name(tree.children[0]),
            weight=_weight(parts),
            mode=str(parts["mode"].children[0]) if "mode" in parts else "",
            until=self._until(parts["until"]),
            progress=self._progress(parts["progress"]) if "progress" in parts else None,
            while_=self._while(parts),
            span=_span(tree),
            trivia=self._trivia(tree),
        )

    def _group(self, tree: Any) -> nodes.Group:
        parts = _parts(tree)
        names = [child for child in tree.children if not hasattr(child, "data")]
        children = [child for child in tree.children if hasattr(child, "data")]
        return nodes.Group(
            mode=str(tree.data),
            name=_name(names[0]) if names else None,
            weight=_weight(parts),
            while_=self._while(parts),
            children=tuple(self.node(t) for t in children if t.data in _NODE_RULES),
            span=_span(tree),
            trivia=self._trivia(tree),
        )

    def _use(self, tree: Any) -> nodes.Use:
        parts = _parts(tree)
        return nodes.Use(
            macro=_name(tree.children[0]),
            args=_args(parts["args"]),
            name=_name(parts["as_"].children[0]) if "as_" in parts else None,
            weight=_weight(parts),
            while_=self._while(parts),
            span=_span(tree),
            trivia=self._trivia(tree),
        )

    def _keep(self, tree: Any) -> nodes.Keep:
        return nodes.Keep(
            name=_name(tree.children[0]),
            weight=_weight(_parts(tree)),
            expr=_expr(tree.children[-1]),
            span=_span(tree),
            trivia=self._trivia(tree),
        )

    def _until(self, tree: Any) -> nodes.Until:
        return nodes.Until(
            _expr(tree.children[0]), _dwell(_parts(tree)), _span(tree), self._trivia(tree)
        )

    def _progress(self, tree: Any) -> nodes.Progress:
        measure, start, end = tree.children
        return nodes.Progress(
            _call(measure), _bound(start), _bound(end), _span(tree), self._trivia(tree)
        )

    def _while(self, parts: dict[str, Any]) -> nodes.While | None:
        if "while_" not in parts:
            return None
        tree = parts["while_"]
        return nodes.While(_expr(tree.children[0]), _span(tree), self._trivia(tree))

    def _version(self, tree: Any) -> nodes.Version:
        return nodes.Version(_number(tree.children[0]), _span(tree), self._trivia(tree))

    def _string_line(self, tree: Any) -> tuple[nodes.String, Span, Trivia]:
        token = tree.children[0]
        return nodes.String(token[1:-1], _token_span(token)), _span(tree), self._trivia(tree)

    def _object(self, tree: Any) -> nodes.Object:
        alias, target = tree.children
        return nodes.Object(_name(alias), _name(target), _span(tree), self._trivia(tree))

    def _success(self, tree: Any) -> nodes.Success:
        goal = tree.children[0]
        if goal.data == "native_goal":
            is_hole = goal.meta.start_pos == goal.meta.end_pos
            return nodes.Success(is_hole=is_hole, span=_span(tree), trivia=self._trivia(tree))
        return nodes.Success(
            _expr(goal.children[0]),
            _dwell(_parts(goal)),
            span=_span(tree),
            trivia=self._trivia(tree),
        )

    def _shaping(self, tree: Any) -> nodes.Shaping:
        parts = _parts(tree)
        mode = str(parts["shape"].children[0])
        gamma = _number(parts["gamma"].children[0]) if "gamma" in parts else None
        return nodes.Shaping(mode, gamma, _span(tree), self._trivia(tree))

    def _penalty(self, tree: Any) -> nodes.Penalty:
        name, cost, expr = tree.children
        return nodes.Penalty(
            _name(name), _number(cost), _expr(expr), _span(tree), self._trivia(tree)
        )

    def _trivia(self, tree: Any) -> Trivia:
        return self._attached.trivia.get(tree.meta.start_pos, nodes.NO_TRIVIA)


def _parts(tree: Any) -> dict[str, Any]:
    """The subtrees by rule; for rules that repeat, the last one."""
    return {child.data: child for child in tree.children if hasattr(child, "data")}


def _span(tree: Any) -> Span:
    """From the first word to the last; a repair may have moved words, so that ends come first."""
    return Span(tree.meta.start_pos, max(tree.meta.start_pos, tree.meta.end_pos))


def _token_span(token: Any) -> Span:
    return Span(token.start_pos, token.end_pos)


def _name(token: Any) -> nodes.Name:
    return nodes.Name(str(token), _token_span(token))


def _number(token: Any) -> nodes.Number:
    return nodes.Number(float(token), _token_span(token))


def _weight(parts: dict[str, Any]) -> nodes.Number | None:
    return _number(parts["weight"].children[0]) if "weight" in parts else None


def _dwell(parts: dict[str, Any]) -> nodes.Number | None:
    return _number(parts["dwell"].children[0]) if "dwell" in parts else None


def _bound(tree: Any) -> nodes.Quantity | None:
    child = tree.children[0]
    return None if child.data == "reset" else _quantity(child)


def _quantity(tree: Any) -> nodes.Quantity:
    number, unit = tree.children
    return nodes.Quantity(float(number), str(unit.children[0]), _span(tree))


def _call(tree: Any) -> nodes.Call:
    name, *rest = tree.children
    return nodes.Call(_name(name), _args(rest[0]) if rest else (), _span(tree))


def _args(tree: Any) -> tuple[nodes.Arg, ...]:
    return tuple(_arg(child) for child in tree.children)


def _arg(child: Any) -> nodes.Arg:
    if not hasattr(child, "data"):
        return _name(child)
    return _quantity(child) if child.data == "quantity" else _call(child)


def _expr(tree: Any) -> nodes.Expr:
    match tree.data:
        case "pred":
            return _call(tree)
        case "neg":
            return nodes.Not(_expr(tree.children[0]), _span(tree))
        case "and_":
            return nodes.And(_operands(tree, nodes.And), _span(tree))
        case _:
            return nodes.Or(_operands(tree, nodes.Or), _span(tree))


def _operands(tree: Any, kind: type[nodes.And | nodes.Or]) -> tuple[nodes.Expr, ...]:
    """The operands; parentheses around operands of the same kind change nothing and go."""
    operands: list[nodes.Expr] = []
    for child in tree.children:
        operand = _expr(child)
        operands += operand.operands if isinstance(operand, kind) else [operand]
    return tuple(operands)
