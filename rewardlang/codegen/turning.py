"""A function of one state -> the same function over the lanes of arrays.

What `emit` writes is small: conditions, assignments, `if`, `return`, calls of each other. Each
function gets a mask more, `on`: the lanes that take part. An `if` narrows it for what stands below,
`return` takes its lanes out of what follows, a call by table asks each function for the lanes that
chose it, and what no lane takes part in is skipped. So the meaning of a program is written once, in
`emit`; nothing here knows it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from enum import IntEnum

_REMEMBERING = {"falling", "rising"}  # degrees that take a note in the memory: with a mask


class _Left(IntEnum):
    """Which lanes a statement has sent home with `return`."""

    NONE = 0
    SOME = 1
    ALL = 2


def turned_condition(node: ast.FunctionDef) -> str:
    """A condition depends on no lane's past in the same step: worked out once."""
    (answer,) = node.body
    assert isinstance(answer, ast.Return), ast.unparse(node)
    assert answer.value is not None
    if isinstance(answer.value, ast.Constant):
        return f"@once\ndef {node.name}(v, m):\n    return v.full({answer.value.value!r})"
    return f"@once\ndef {node.name}(v, m):\n    return {Expressions(set()).truth(answer.value)}"


class Expressions:
    """Expressions over lanes; calls of `stateful` functions take the mask along."""

    def __init__(
        self, stateful: set[str], mask: str = "on", quantities: _Quantities | None = None
    ) -> None:
        self.stateful = stateful
        self.mask = mask
        self.quantities = quantities

    def truth(self, node: ast.expr) -> str:
        """A mask: where the expression counts as true."""
        match node:
            case ast.BoolOp(op=op, values=values):
                sign = " & " if isinstance(op, ast.And) else " | "
                return f"({sign.join(self.truth(value) for value in values)})"
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return f"~{self.truth(operand)}"
            case ast.Subscript() | ast.Name():
                return f"({self.value(node)} != 0)"
            case ast.Compare() | ast.Call() | ast.Constant():
                return f"({self.value(node)})"
            case _:
                raise AssertionError(ast.unparse(node))

    def value(self, node: ast.expr) -> str:
        match node:
            case ast.Constant() | ast.Name():
                return ast.unparse(node)
            case ast.BinOp(left=left, op=op, right=right):
                sign = _SIGNS[type(op)]
                return f"({self.value(left)} {sign} {self.value(right)})"
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return f"(-{self.value(operand)})"
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return f"{self.value(left)} {_SIGNS[type(op)]} {self.value(right)}"
            case ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
                return self.truth(node)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return f"where({self.truth(test)}, {self.value(body)}, {self.value(orelse)})"
            case ast.Subscript(value=ast.Name(id="v" | "m" as name), slice=at):
                return f"{name}[{ast.unparse(at)}]"
            case ast.Subscript(value=table, slice=at):
                return f"pick({ast.unparse(table)}, {self.value(at)})"
            case ast.Call(func=func, args=args):
                return self._call(func, args)
            case ast.Tuple(elts=elements):
                return f"({', '.join(self.value(element) for element in elements)})"
            case _:
                raise AssertionError(ast.unparse(node))

    def _call(self, func: ast.expr, args: list[ast.expr]) -> str:
        if isinstance(func, ast.Subscript):  # a function that differs from lane to lane
            table, which = ast.unparse(func.value), self.value(func.slice)
            return f"each({table}, {which}, v, m, {self.mask})"
        name = ast.unparse(func)
        if name == "float":
            return self.value(args[0])
        if name in ("min", "max"):
            return self._extreme("smaller" if name == "min" else "larger", args)
        if name == "graded":
            return f"graded({self.truth(args[0])}, {self.value(args[1])})"
        values = [self.value(arg) for arg in args]
        if name in _REMEMBERING:
            values[2] = self._quantity(values[2])
        if name in self.stateful or name in _REMEMBERING:
            values.append(self.mask)
        text = f"{name}({', '.join(values)})"
        return self._quantity(text) if any(value.startswith("v[") for value in values) else text

    def _quantity(self, text: str) -> str:
        """What depends on snapshots alone has a name of its own: worked out once, for all lanes."""
        return text if self.quantities is None else self.quantities.named(text)

    def _extreme(self, which: str, args: list[ast.expr]) -> str:
        text = self.value(args[0])
        for arg in args[1:]:
            text = f"{which}({text}, {self.value(arg)})"
        return text


_SIGNS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Eq: "==", ast.NotEq: "!=",
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
}  # fmt: skip


class _Quantities:
    """Functions of what depends on snapshots alone, for one function."""

    def __init__(self, function: str) -> None:
        self._function = function
        self._names: dict[str, str] = {}

    def named(self, text: str) -> str:
        name = self._names.setdefault(text, f"quantity_{len(self._names)}_of_{self._function}")
        return f"{name}(v, m)"

    def texts(self) -> Iterator[str]:
        for text, name in self._names.items():
            yield f"@once\ndef {name}(v, m):\n    return {text}"


def turned(node: ast.FunctionDef, stateful: set[str]) -> str:
    """A function that may write into the memory; `stateful` are the names of all of those."""
    return _Function(node, stateful).text()


class _Function:
    """One function, line by line. `result` is what the lanes that are home were given.

    Lanes that are given a slot of the memory (`frozen`) get it when all lanes have written theirs:
    what stands further down may have been earlier.
    """

    def __init__(self, node: ast.FunctionDef, stateful: set[str]) -> None:
        self.node = node
        self.stateful = stateful
        self.lines: list[str] = []
        self.indent = ""
        self.masks = 0
        self.quantities = _Quantities(node.name)
        self.slot = next(_given(node), None)

    def text(self) -> str:
        taken = [argument.arg for argument in self.node.args.args]
        self._add(f"def {self.node.name}({', '.join([*taken, 'on'])}):")
        self.indent = "    "
        names = sorted({name for name in _assigned(self.node) if name != "m"})
        frozen = [] if self.slot is None else ["frozen"]
        self._add(" = ".join(["result", *frozen, *names, "None"]))
        if self._block(self.node.body, "on") is not _Left.ALL:
            self._leave("result")
        return "\n\n\n".join([*self.quantities.texts(), "\n".join(self.lines)])

    def _add(self, line: str) -> None:
        self.lines.append(self.indent + line)

    def _write(self, mask: str) -> Expressions:
        return Expressions(self.stateful, mask, self.quantities)

    def _leave(self, text: str) -> None:
        thawed = text if self.slot is None else f"m.thawed({self.slot}, frozen, {text})"
        self._add(f"return {thawed}")

    def _block(self, body: list[ast.stmt], mask: str) -> _Left:
        left = _Left.NONE
        for statement in body:
            now = self._statement(statement, mask)
            if now is _Left.ALL:
                return now
            if now is _Left.SOME and mask == "on":
                self._add("if not some(on):")
                self.indent += "    "
                self._leave("result")
                self.indent = self.indent[:-4]
            left = max(left, now)
        return left

    def _statement(self, statement: ast.stmt, mask: str) -> _Left:
        write = self._write(mask)
        match statement:
            case ast.Return(value=value):
                self._return(write, value, mask)
                return _Left.ALL
            case ast.If():
                return self._if(statement, mask)
            case ast.Assign(targets=targets, value=value):
                self._assign(targets, write.value(value), mask)
            case ast.AugAssign(target=target, op=op, value=value):
                self._assign([target], write.value(ast.BinOp(target, op, value)), mask)
            case ast.Expr() | ast.Pass():  # a docstring
                pass
            case _:
                raise AssertionError(ast.unparse(statement))
        return _Left.NONE

    def _return(self, write: Expressions, value: ast.expr | None, mask: str) -> None:
        if value is None:
            return
        text = write.value(value)
        if text == f"m[{self.slot}]":
            self._add(f"frozen = {mask}")
            text = "0.0"
        if mask == "on":
            self._leave(f"blended(on, {text}, result)")
        else:
            self._add(f"result = blended({mask}, {text}, result)")

    def _if(self, node: ast.If, mask: str) -> _Left:
        """Both sides in turn, each for its own lanes; then `mask` holds those that go on."""
        self.masks += 1
        here, other = f"on_{self.masks}", f"off_{self.masks}"
        returns = any(isinstance(below, ast.Return) for below in ast.walk(node))
        test = self._write(mask).truth(node.test)
        self._add(f"{here} = {mask} & {test}")
        if node.orelse or returns:
            self._add(f"{other} = {mask} > {here}")  # of truth values: in the one, not the other
        left = self._guarded(node.body, here)
        left_other = self._guarded(node.orelse, other) if node.orelse else _Left.NONE
        if left is _Left.NONE and left_other is _Left.NONE:
            return _Left.NONE
        staying = [
            lanes for lanes, gone in ((here, left), (other, left_other)) if gone is not _Left.ALL
        ]
        if not staying:
            if mask == "on":
                self._leave("result")
            return _Left.ALL
        self._add(f"{mask} = {' | '.join(staying)}")
        return _Left.SOME

    def _guarded(self, body: list[ast.stmt], mask: str) -> _Left:
        self._add(f"if some({mask}):")
        self.indent += "    "
        start = len(self.lines)
        left = self._block(body, mask)
        if len(self.lines) == start:
            self._add("pass")
        self.indent = self.indent[:-4]
        return left

    def _assign(self, targets: list[ast.expr], text: str, mask: str) -> None:
        if len(targets) > 1:
            self._add(f"value = {text}")
            text = "value"
        for target in targets:
            match target:
                case ast.Name(id=name):
                    self._add(
                        f"{name} = "
                        + (text if mask == "on" else f"blended({mask}, {text}, {name})")
                    )
                case ast.Subscript(slice=slot):
                    self._add(f"m.put({ast.unparse(slot)}, {mask}, {text})")
                case _:
                    raise AssertionError(ast.unparse(target))


def _given(function: ast.FunctionDef) -> Iterator[int]:
    """The slot that a function gives as it is."""
    for node in ast.walk(function):
        match node:
            case ast.Return(value=ast.Subscript(slice=ast.Constant(value=int(slot)))):
                yield slot


def _assigned(function: ast.FunctionDef) -> set[str]:
    names = (node for node in ast.walk(function) if isinstance(node, ast.Name))
    return {name.id for name in names if isinstance(name.ctx, ast.Store)}
