"""Macros written out: the same program, in more words."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

import rewardlang
from rewardlang import ir
from rewardlang.checking.library import MACROS
from rewardlang.checking.signatures import Thing
from rewardlang.cli import app
from rewardlang.inspecting.expansion import expand, without_aliases
from rewardlang.scene import Scene
from rewardlang.source import Source, Span

CASES = Path(__file__).parent / "cases"
GOOD = sorted(CASES.glob("good_*.rl"))
KITCHENS = (
    "libero_10/KITCHEN_SCENE4_put_the_black_bowl_in_the_bottom_drawer_of_the_cabinet_and_close_it",
    "libero_10/KITCHEN_SCENE3_turn_on_the_stove_and_put_the_moka_pot_on_it",
)


def run(*args: object, text: str | None = None) -> Result:
    return CliRunner().invoke(app, [str(arg) for arg in args], input=text)


def bare(value: Any) -> Any:
    """A checked program without spans and text."""
    if isinstance(value, Span | Source):
        return None
    if isinstance(value, tuple):
        return tuple(bare(item) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return (type(value), *(bare(getattr(value, f.name)) for f in dataclasses.fields(value)))
    return value


def checked(text: str) -> ir.Program:
    analysis = rewardlang.analyze(text)
    assert analysis.program, rewardlang.render(analysis.diagnostics, analysis.source)
    return analysis.program


def expanded(text: str) -> str:
    tree = rewardlang.analyze(text).tree
    assert tree is not None
    return rewardlang.format_program(expand(tree))


def things(scene: Scene, macro: str) -> tuple[str, ...] | None:
    """The first different things of the kinds that a macro takes; None where there are none."""
    chosen: list[str] = []
    for parameter in MACROS[macro].parameters:
        assert isinstance(parameter, Thing)
        fitting = [
            name
            for name, kind in scene.kinds.items()
            if kind & parameter.kinds and name not in chosen
        ]
        if not fitting:
            return None
        chosen.append(fitting[0])
    return tuple(chosen)


def program(scene: Scene, *nodes: str) -> str:
    """A program with these nodes side by side, whose success is of no interest."""
    movable = next(item.name for item in scene.objects if not item.fixture)
    return (
        f'rewardlang 1\ntask "anything"\nscene "{scene.id}"\n'
        f"all {{ {' '.join(nodes)} }}\nsuccess when released({movable})\n"
    )


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_an_expanded_program_is_the_same_program(path: Path) -> None:
    text = path.read_text("utf-8")
    assert bare(checked(expanded(text))) == bare(checked(text))
    assert "use " not in expanded(text).replace("because ", "")


@pytest.mark.parametrize("macro", MACROS)
def test_every_macro_means_what_it_is_written_out_to(macro: str) -> None:
    tried = 0
    for scene in map(rewardlang.load_scene, KITCHENS):
        given = things(scene, macro)
        if given is None:
            continue
        call = f"use {macro}({', '.join(given)})"
        held = "while not gripper_open()"
        text = program(scene, f"{call} weight 3 {held}", f"{call} as second", call, call)
        assert bare(checked(expanded(text))) == bare(checked(text))
        tried += 1
    assert tried


def test_arguments_are_put_in_at_once() -> None:
    """An alias called like a parameter is not mistaken for it."""
    scene = rewardlang.load_scene(KITCHENS[0])
    text = program(scene, "use place_on(container, item)", "seq { use place_in(item, drawer) }")
    text = text.replace(
        "all {",
        "object container = akita_black_bowl_1\nobject item = wine_bottle_1\n"
        "object drawer = white_cabinet_1_bottom_region\nall {",
    )
    assert "until on(container, item)" in expanded(text)
    assert bare(checked(expanded(text))) == bare(checked(text))


def test_comments_stay() -> None:
    scene = rewardlang.load_scene(KITCHENS[0])
    call = "# before\nuse place_in(wine_bottle_1, white_cabinet_1_bottom_region)  # behind\n"
    text = program(scene, f"\n{call}", "# last\n")
    lines = [line.strip() for line in expanded(text).splitlines()]
    assert lines[lines.index("# before") + 1] == "seq place_in_wine_bottle_1 {  # behind"
    assert "# last" in lines


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_the_command_prints_the_canonical_layout(path: Path) -> None:
    result = run("expand", path)
    assert result.exit_code == 0
    assert run("fmt", "--check", "-", text=result.output).exit_code == 0
    assert run("expand", "-", text=result.output).output == result.output


def test_the_command_shows_what_is_wrong_instead() -> None:
    text = GOOD[0].read_text("utf-8").replace("success bddl", "success bdll")
    result = run("expand", "-", text=text)
    assert result.exit_code == 1
    assert "error[misspelt-keyword]" in result.stderr
    assert result.stdout == ""


def test_what_is_too_deep_when_written_out_is_told() -> None:
    scene = rewardlang.load_scene(KITCHENS[0])
    call = "use place_in(wine_bottle_1, white_cabinet_1_bottom_region)"
    text = program(scene, "seq { " * 29, call, "}" * 29)
    assert rewardlang.analyze(text).ok
    result = run("expand", "-", text=text)
    assert result.exit_code == 1
    assert "error[too-deep]" in result.stderr
    assert "--> <stdin>, expanded:" in result.stderr


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_aliases_can_be_replaced_by_the_scene_s_names(path: Path) -> None:
    text = expanded(path.read_text("utf-8"))
    tree = rewardlang.analyze(text).tree
    assert tree is not None
    plain = rewardlang.format_program(without_aliases(tree))
    assert "object " not in plain
    without, with_ = bare(checked(plain)), bare(checked(text))
    assert without[:-1] == with_[:-1]  # all but the aliases
