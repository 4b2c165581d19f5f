"""Python of one state -> the same Python over the lanes of arrays: one state per lane.

What `emit` writes is small: conditions, assignments to the memory, `if`, `return`, calls of each
other. Each function gets a mask more, `on`: the lanes that take part. An `if` narrows it for what
stands below, `return` takes its lanes out of what follows, an assignment changes the lanes of the
mask alone, a call by table asks each function for the lanes that chose it, and what no lane takes
part in is skipped. So the meaning of a program is written once, in `emit`; nothing here knows it.

The functions that the text uses are `runtime.lanes`', `array_degrees`' and `array_geometry`'s.
"""

from __future__ import annotations

import ast
from enum import IntEnum

_CONDITIONS = ("until_", "while_", "goal_", "keep_", "penalty_", "succeeds", "native")
_SKIPPED = ("active", "ACTIVE_", "terms")  # what is read off the memory afterwards
_REMEMBERING = {"falling", "rising"}  # degrees that take a note in the memory: with a mask


class _Left(IntEnum):
    """Which lanes a statement has sent home with `return`."""

    NONE = 0
    SOME = 1
    ALL = 2


def emit_lanes(text: str) -> str:
    """The text of a program, as `emit` writes it with a `native`, over lanes of arrays."""
    module = ast.parse(text)
    functions = [
        node
        for node in module.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith(_SKIPPED)
    ]
    stateful = {node.name for node in functions if not node.name.startswith(_CONDITIONS)}
    tables = [
        ast.unparse(node)
        for node in module.body
        if isinstance(node, ast.Assign) and not ast.unparse(node).startswith(_SKIPPED)
    ]
    written = [
        _condition(node) if node.name not in stateful else _Function(node, stateful).text()
        for node in functions
    ]
    return "\n\n\n".join([*written, "\n".join(tables)]) + "\n"


def _condition(node: ast.FunctionDef) -> str:
    """A condition depends on no lane's past in the same step: worked out once."""
    (answer,) = node.body
    assert isinstance(answer, ast.Return), ast.unparse(node)
    assert answer.value is not None
    return f"@once\ndef {node.name}(v, m):\n    return {_Expressions(set()).truth(answer.value)}"


class _Expressions:
    """Expressions over lanes; calls of `stateful` functions take the mask along."""

    def __init__(self, stateful: set[str], mask: str = "on") -> None:
        self.stateful = stateful
        self.mask = mask

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
                return self._element(name, at)
            case ast.Subscript(value=table, slice=at):
                return f"pick({ast.unparse(table)}, {self.value(at)})"
            case ast.Call(func=func, args=args):
                return self._call(func, args)
            case ast.Tuple(elts=elements):
                return f"({', '.join(self.kept(element) for element in elements)})"
            case _:
                raise AssertionError(ast.unparse(node))

    def kept(self, node: ast.expr) -> str:
        """A value that outlives the next change of the memory."""
        text = self.value(node)
        return f"copied({text})" if text.startswith("m[") else text

    def _element(self, name: str, at: ast.expr) -> str:
        if isinstance(at, ast.Subscript):  # a slot that differs from lane to lane
            return f"{name}.at({ast.unparse(at.value)}, {self.value(at.slice)})"
        return f"{name}[{ast.unparse(at)}]"

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
        if name in self.stateful or name in _REMEMBERING:
            values.append(self.mask)
        return f"{name}({', '.join(values)})"

    def _extreme(self, which: str, args: list[ast.expr]) -> str:
        text = self.value(args[0])
        for arg in args[1:]:
            text = f"{which}({text}, {self.value(arg)})"
        return text


_SIGNS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Eq: "==", ast.NotEq: "!=",
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
}  # fmt: skip


class _Function:
    """One function, line by line. `result` is what the lanes that are home were given."""

    def __init__(self, node: ast.FunctionDef, stateful: set[str]) -> None:
        self.node = node
        self.stateful = stateful
        self.lines: list[str] = []
        self.indent = ""
        self.masks = 0

    def text(self) -> str:
        taken = [argument.arg for argument in self.node.args.args]
        everybody = self.node.name == "reset"
        self._add(f"def {self.node.name}({', '.join(taken if everybody else [*taken, 'on'])}):")
        self.indent = "    "
        if everybody:
            self._add("on = v.everybody")
        names = sorted({name for name in _assigned(self.node) if name != "m"})
        self._add(" = ".join(["result", *names, "None"]))
        if self._block(self.node.body, "on") is not _Left.ALL:
            self._add("return result")
        return "\n".join(self.lines)

    def _add(self, line: str) -> None:
        self.lines.append(self.indent + line)

    def _block(self, body: list[ast.stmt], mask: str) -> _Left:
        left = _Left.NONE
        for statement in body:
            now = self._statement(statement, mask)
            if now is _Left.ALL:
                return now
            if now is _Left.SOME and mask == "on":
                self._add("if not some(on):")
                self._add("    return result")
            left = max(left, now)
        return left

    def _statement(self, statement: ast.stmt, mask: str) -> _Left:
        write = _Expressions(self.stateful, mask)
        match statement:
            case ast.Return(value=ast.IfExp() as choice) if self._acts(choice):
                body: list[ast.stmt] = [ast.Return(choice.body)]
                orelse: list[ast.stmt] = [ast.Return(choice.orelse)]
                return self._if(ast.If(choice.test, body, orelse), mask)
            case ast.Return(value=value):
                self._return(write, value, mask)
                return _Left.ALL
            case ast.If():
                return self._if(statement, mask)
            case ast.Assign(targets=[ast.Name(id="m")], value=ast.List(elts=slots)):
                numbers = ", ".join(ast.unparse(slot) for slot in slots)
                self._add(f"m = slots(v, ({numbers},))")
            case ast.Assign(targets=[ast.Subscript(slice=ast.Slice() as gone)]):
                assert gone.lower is not None
                assert gone.upper is not None
                self._add(f"m.clear({ast.unparse(gone.lower)}, {ast.unparse(gone.upper)}, {mask})")
            case ast.Assign(targets=targets, value=value):
                self._assign(targets, write.kept(value), mask)
            case ast.AugAssign(target=target, op=op, value=value):
                self._assign([target], write.value(ast.BinOp(target, op, value)), mask)
            case ast.Expr(value=ast.Call() as call):
                self._add(write.value(call))
            case ast.Expr() | ast.Pass():  # a docstring
                pass
            case _:
                raise AssertionError(ast.unparse(statement))
        return _Left.NONE

    def _return(self, write: _Expressions, value: ast.expr | None, mask: str) -> None:
        if value is None:
            return
        text = write.kept(value)
        if self.node.name == "reset":
            self._add(f"return {text}")
        elif mask == "on":
            self._add(f"return blended(on, {text}, result)")
        else:
            self._add(f"result = blended({mask}, {text}, result)")

    def _if(self, node: ast.If, mask: str) -> _Left:
        """Both sides in turn, each for its own lanes; then `mask` holds those that go on."""
        self.masks += 1
        here, other = f"on_{self.masks}", f"off_{self.masks}"
        returns = any(isinstance(below, ast.Return) for below in ast.walk(node)) or any(
            isinstance(below, ast.IfExp) and self._acts(below) for below in ast.walk(node)
        )
        self._add(f"{here} = {mask} & {_Expressions(self.stateful, mask).truth(node.test)}")
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
                self._add("return result")
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
                case ast.Subscript():
                    self._add(f"put({ast.unparse(target)}, {mask}, {text})")
                case _:
                    raise AssertionError(ast.unparse(target))

    def _acts(self, node: ast.expr) -> bool:
        """The expression calls what changes the memory."""
        return any(
            isinstance(below, ast.Call) and ast.unparse(below.func) in self.stateful
            for below in ast.walk(node)
        )


def _assigned(function: ast.FunctionDef) -> set[str]:
    names = (node for node in ast.walk(function) if isinstance(node, ast.Name))
    return {name.id for name in names if isinstance(name.ctx, ast.Store)}
