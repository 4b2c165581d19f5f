"""Definitions of our own modules as text: exactly those that some code needs, in a working order.

For programs that are to run without this package. Nothing is imported: modules are read as files.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

PACKAGE = "rewardlang"
ONLY_FOR_TYPES = ("mujoco",)  # modules that occur in annotations alone


@dataclass(frozen=True)
class Taken:
    """Python that can stand alone: import statements, then definitions."""

    imports: str
    definitions: tuple[str, ...]


@dataclass(frozen=True)
class _Import:
    module: str
    name: str = ""  # empty: the module itself
    renamed: str = ""


@dataclass(frozen=True)
class _Definition:
    """A function, class or constant of a module, with the global names that it speaks of."""

    text: str
    names: frozenset[str]
    uses: frozenset[str]


def take(roots: Iterable[str], modules: tuple[str, ...], given: Iterable[str] = ()) -> Taken:
    """The definitions of `roots` and of all they need, in the order of `modules`.

    Modules are paths in the package. Names in `given` are defined elsewhere and left out.
    """
    pool = [definition for module in modules for definition in _definitions(module)]
    imported = {name: line for module in modules for name, line in _imports(module)}
    defined = {name: definition for definition in pool for name in definition.names}
    needed: set[str] = set()
    waiting = set(roots) - set(given)
    while waiting:
        name = waiting.pop()
        needed.add(name)
        if name in defined:
            waiting |= defined[name].uses - needed - set(given)
    texts = dict.fromkeys(d.text for d in pool if d.names & needed)
    wanted = {imported[name] for name in needed & imported.keys() - defined.keys()}
    return Taken(_import_lines(wanted), tuple(texts))


def _import_lines(wanted: set[_Import]) -> str:
    lines = {f"import {w.module}{w.renamed}" for w in wanted if not w.name}
    only_types = {line for line in lines if line.removeprefix("import ") in ONLY_FOR_TYPES}
    wanted = wanted | ({_Import("typing", "TYPE_CHECKING")} if only_types else set())
    for module in {w.module for w in wanted if w.name}:
        names = sorted(w.name for w in wanted if w.name and w.module == module)
        lines.add(f"from {module} import {', '.join(names)}")
    held_back = "".join(f"\nif TYPE_CHECKING:\n    {line}" for line in sorted(only_types))
    return "\n".join(sorted(lines - only_types)) + held_back


def names_in(text: str) -> set[str]:
    """The names that pieces of Python speak of and do not make."""
    return {name for node in ast.parse(text).body for name in _spoken(node)}


def _spoken(node: ast.AST) -> set[str]:
    taken = {below.arg for below in ast.walk(node) if isinstance(below, ast.arg)}
    return _names(node) - _names(node, ast.Store) - taken


def _names(node: ast.AST, kind: type[ast.expr_context] = ast.Load) -> set[str]:
    found = (below for below in ast.walk(node) if isinstance(below, ast.Name))
    return {name.id for name in found if isinstance(name.ctx, kind)}


@cache
def _module(path: str) -> tuple[list[str], ast.Module]:
    text = (resources.files(PACKAGE) / path).read_text("utf-8")
    return text.splitlines(), ast.parse(text)


@cache
def _definitions(path: str) -> tuple[_Definition, ...]:
    return tuple(_each_definition(path))


def _each_definition(path: str) -> Iterator[_Definition]:
    lines, module = _module(path)
    for node in module.body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names = {name}
            case ast.Assign(targets=targets):
                names = {name for target in targets for name in _names(target, ast.Store)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                names = {name}
            case _:
                continue
        start = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
        text = "\n".join(lines[start - 1 : node.end_lineno])
        yield _Definition(text, frozenset(names), frozenset(_spoken(node) - names))


@cache
def _imports(path: str) -> tuple[tuple[str, _Import], ...]:
    return tuple(_each_import(path))


def _each_import(path: str) -> Iterator[tuple[str, _Import]]:
    """Each name that a module imports from elsewhere than this package."""
    _, module = _module(path)
    for node in module.body:
        match node:
            case ast.Import(names=names):
                for alias in names:
                    renamed = f" as {alias.asname}" if alias.asname else ""
                    yield alias.asname or alias.name, _Import(alias.name, "", renamed)
            case ast.ImportFrom(module=str() as source, names=names):
                if not source.startswith((PACKAGE, "__future__")):
                    for alias in names:
                        yield alias.name, _Import(source, alias.name)
            case _:
                pass
