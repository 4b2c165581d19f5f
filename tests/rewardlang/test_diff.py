"""What changed in meaning: everything that can change a reward, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import rewardlang
from rewardlang import ir
from rewardlang.cli import app
from rewardlang.inspecting.differences import Change, differences
from rewardlang.inspecting.expansion import expand

ROOT = Path(__file__).parents[2]
CASES = sorted((Path(__file__).parent / "cases").glob("good_*.rl"))
TASKS = sorted((ROOT / "tasks").rglob("*.rl"))[::12]
OWN_GOAL = (Path(__file__).parent / "cases" / "good_own_goal.rl").read_text("utf-8")
MILK = """\
rewardlang 1
task "take the milk"
scene "libero_object/pick_up_the_milk_and_place_it_in_the_basket"
object milk = milk_1
object basket = basket_1_contain_region
seq {
  stage reach weight 1 { until near(gripper, milk) }
  stage grasp weight 2 { until grasped(milk) for 3 steps while near(gripper, milk, 8 cm) }
  stage lift latch { until lifted(milk, 16 cm) progress height(milk) from reset to 16 cm }
  all rest weight 2 while not gripper_open() {
    stage up { until upright(milk, 10 deg) and still(milk, 2 mm) }
    stage slow weight 4 { until at_most(height(milk), 5 cm) or in(milk, basket) }
    keep calm weight 0.5 { still(milk, 1 cm) }
  }
}
success when in(milk, basket) and upright(milk, 30 deg) for 5 steps
shaping telescope
penalty tipped cost 0.1 when not upright(milk, 60 deg)
"""


def checked(text: str) -> ir.Program:
    analysis = rewardlang.analyze(text)
    assert analysis.program, rewardlang.render(analysis.diagnostics, analysis.source)
    return analysis.program


def diff(before: str, after: str) -> tuple[Change, ...]:
    """The differences; there are some in one direction where there are some in the other."""
    old, new = checked(before), checked(after)
    found = differences(old, new)
    assert bool(found) == bool(differences(new, old))
    return found


def expanded(text: str) -> str:
    tree = rewardlang.analyze(text).tree
    assert tree is not None
    return rewardlang.format_program(expand(tree))


def single(old: str, new: str) -> Change:
    """The one difference that an edit of `MILK` makes."""
    assert MILK.count(old) == 1, old
    (change,) = diff(MILK, MILK.replace(old, new))
    return change


def with_other_aliases(text: str) -> str:
    for alias in re.findall(r"^object (\w+) =", text, flags=re.MULTILINE):
        lines = text.splitlines()
        text = "\n".join(
            line
            if line.startswith(("task", "scene"))
            else re.sub(rf"\b{alias}\b", "zz_" + alias, line)
            for line in lines
        )
        text = re.sub(rf"= zz_{alias}$", f"= {alias}", text, flags=re.MULTILINE)
    return text


@pytest.mark.parametrize("path", [*CASES, *TASKS], ids=lambda path: path.stem)
def test_layout_macros_and_aliases_are_no_difference(path: Path) -> None:
    text = path.read_text("utf-8")
    tree = rewardlang.analyze(text).tree
    assert tree is not None
    assert diff(text, text) == ()
    assert diff(text, rewardlang.format_program(tree).replace("\n", "\n\n# a comment\n")) == ()
    assert diff(text, expanded(text)) == ()
    renamed = with_other_aliases(text)
    assert renamed != text
    assert diff(text, renamed) == ()


def mutations(text: str) -> Iterator[str]:
    """Every single change of a weight, dwell or threshold; every stage left out, or swapped."""
    for found in re.finditer(r"(?<=weight )[\d.]+", text):
        yield f"{text[: found.start()]}{float(found[0]) + 0.25}{text[found.end() :]}"
    for found in re.finditer(r"(?<=for )\d+", text):
        yield f"{text[: found.start()]}{int(found[0]) + 1}{text[found.end() :]}"
    for found in re.finditer(r"[\d.]+(?= (cm|mm|deg|%))", text):
        yield f"{text[: found.start()]}{round(float(found[0]) * 1.01, 4)}{text[found.end() :]}"
    lines = text.splitlines()
    stages = [i for i, line in enumerate(lines) if re.match(r" +stage .*\}$", line)]
    for index in stages:
        yield "\n".join(lines[:index] + lines[index + 1 :])
        if index + 1 in stages:
            swapped = [lines[index + 1], lines[index]]
            yield "\n".join([*lines[:index], *swapped, *lines[index + 2 :]])


@pytest.mark.parametrize("path", [*CASES, *TASKS], ids=lambda path: path.stem)
def test_every_single_change_is_found(path: Path) -> None:
    text = expanded(path.read_text("utf-8"))
    text = re.sub(r"#.*", "", text)
    changed = [item for item in mutations(text) if rewardlang.analyze(item).program]
    assert len(changed) >= 5
    for other in changed:
        assert diff(text, other), other


def test_a_swap_of_stages_side_by_side_is_none() -> None:
    before = "all { stage a { until grasped(milk) } stage b { until lifted(milk, 5 cm) } }"
    after = "all { stage b { until lifted(milk, 5 cm) } stage a { until grasped(milk) } }"
    head, tail = MILK.split("seq {")[0], "success when released(milk)"
    assert diff(head + before + tail, head + after + tail) == ()
    (order,) = diff(
        head + before.replace("all", "seq") + tail, head + after.replace("all", "seq") + tail
    )
    assert order == Change("b", "order", "after a", "first")


STAGES = {
    "reach": "near(gripper, milk)",
    "grasp": "grasped(milk)",
    "lift": "lifted(milk, 5 cm)",
    "carry": "above(milk, basket)",
    "lower": "in(milk, basket)",
}


def in_order(names: str) -> str:
    """A program whose stages stand in this order."""
    body = " ".join(f"stage {name} {{ until {STAGES[name]} }}" for name in names.split())
    return f"{MILK.split('seq {')[0]} seq {{ {body} }} success when released(milk)"


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ("reach lift grasp carry lower", ["lift: after grasp -> after reach"]),
        ("grasp lift carry lower reach", ["reach: first -> after lower"]),
        ("lower reach grasp lift carry", ["lower: after carry -> first"]),
        ("reach carry lower grasp lift", ["carry, lower: after lift -> after reach"]),
        ("lift carry reach grasp lower", ["lift, carry: after grasp -> first"]),
    ],
)  # fmt: skip
def test_an_order_says_what_has_moved_and_where_to(after: str, said: list[str]) -> None:
    found = diff(in_order(" ".join(STAGES)), in_order(after))
    assert {change.what for change in found} == {"order"}
    assert [f"{item.where}: {item.before} -> {item.after}" for item in found] == said


def test_an_order_is_told_under_the_new_names() -> None:
    after = in_order("reach lift grasp carry lower").replace("stage reach", "stage approach")
    assert diff(in_order(" ".join(STAGES)), after) == (
        Change("lift", "order", "after grasp", "after approach"),
    )


@given(st.permutations(list(STAGES)))
def test_an_order_can_be_followed(names: list[str]) -> None:
    """Each moved run, put where the change says, in the program's order: the new order."""
    order = list(STAGES)
    found = differences(checked(in_order(" ".join(STAGES))), checked(in_order(" ".join(names))))
    moved = [(change.where.split(", "), change.after) for change in found]
    order = [name for name in order if not any(name in run for run, _ in moved)]
    for run, place in moved:
        assert place is not None
        at = 0 if place == "first" else order.index(place.removeprefix("after ")) + 1
        order[at:at] = run
    assert order == names


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("stage reach", "stage approach"),
        ("all rest", "all another"),
        ("penalty tipped", "penalty fallen"),
        ("weight 1 {", "{"),
        ("16 cm) progress", "160 mm) progress"),
        (
            "upright(milk, 10 deg) and still(milk, 2 mm)",
            "still(milk, 2 mm) and upright(milk, 10 deg)",
        ),
        ("near(gripper, milk) }", "near(gripper, milk, 3 cm) }"),
        ("shaping telescope", "shaping telescope gamma 1"),
        ("keep calm weight 0.5 { still(milk, 1 cm) }\n", ""),
    ],
)
def test_names_and_spellings_have_no_meaning(old: str, new: str) -> None:
    assert MILK.count(old) == 1
    other = MILK.replace(old, new)
    if old.startswith("keep"):  # where it stands has none either
        other = other.replace("stage up", f"{old}    stage up")
    assert diff(MILK, other) == ()


def test_weights_are_shares() -> None:
    doubled = re.sub(r"(?<=weight )[\d.]+", lambda n: str(float(n[0]) * 3), MILK)
    doubled = doubled.replace("lift latch", "lift weight 3 latch").replace("up {", "up weight 3 {")
    assert diff(MILK, doubled) == ()


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        (
            "weight 4",
            "weight 3",
            Change(
                "rest",
                "shares",
                "up 20 %, slow 80 %, calm 10 %",
                "up 25 %, slow 75 %, calm 12.5 %",
            ),
        ),
        (
            "until lifted(milk, 16 cm)",
            "until lifted(milk, 12 cm)",
            Change("lift", "threshold", "lifted(milk, 16 cm)", "lifted(milk, 12 cm)"),
        ),
        (
            "until near(gripper, milk)",
            "until touching(gripper, milk)",
            Change("reach", "until", "near(gripper, milk, 3 cm)", "touching(gripper, milk)"),
        ),
        ("3 steps", "1 step", Change("grasp", "dwell", "3 steps", "1 step")),
        (
            " while near(gripper, milk, 8 cm)",
            "",
            Change("grasp", "while", "near(gripper, milk, 8 cm)", None),
        ),
        (
            "from reset to 16 cm",
            "from reset to 9 cm",
            Change(
                "lift",
                "progress",
                "height(milk) from reset to 16 cm",
                "height(milk) from reset to 9 cm",
            ),
        ),
        (
            "lift latch",
            "lift live",
            Change("lift", "judged", "latched: once done, stays done", "live: lifted(milk, 16 cm)"),
        ),
        (
            "while not gripper_open()",
            "while gripper_closed()",
            Change("rest", "while", "not gripper_open()", "gripper_closed()"),
        ),
        (
            "still(milk, 1 cm)",
            "still(milk, 2 cm)",
            Change("rest.calm", "condition", "still(milk, 1 cm)", "still(milk, 2 cm)"),
        ),
        ("5 steps", "6 steps", Change("success", "dwell", "5 steps", "6 steps")),
        ("telescope", "pbrs", Change("shaping", "shaping", "telescope", "pbrs")),
        ("telescope", "telescope gamma 0.5", Change("shaping", "gamma", "1", "0.5")),
        ("cost 0.1", "cost 0.2", Change("penalty tipped", "cost", "0.1", "0.2")),
        (
            "60 deg",
            "50 deg",
            Change(
                "penalty tipped",
                "condition",
                "not upright(milk, 60 deg)",
                "not upright(milk, 50 deg)",
            ),
        ),
        (
            "penalty tipped cost 0.1 when not upright(milk, 60 deg)\n",
            "",
            Change("penalty tipped", "penalty", "0.1 when not upright(milk, 60 deg)", None),
        ),
        ('"take the milk"', '"take it"', Change("task", "task", '"take the milk"', '"take it"')),
    ],
)
def test_a_change_is_told_once_and_in_the_language(old: str, new: str, change: Change) -> None:
    assert single(old, new) == change


def test_another_object_under_an_old_alias_is_seen() -> None:
    changes = diff(MILK, MILK.replace("= milk_1", "= orange_juice_1"))
    reach = next(change for change in changes if change.where == "reach")
    assert (reach.before, reach.after) == (
        "near(gripper, milk_1, 3 cm)",
        "near(gripper, orange_juice_1, 3 cm)",
    )


def test_added_and_removed_stages_are_told_with_the_shares_they_take() -> None:
    without = re.sub(r"  stage lift .*\n", "", MILK)
    added = diff(without, MILK)
    assert Change("lift", "stage", None, "until lifted(milk, 16 cm)") in added
    shares = next(change for change in added if change.what == "shares")
    assert shares.before == "reach 20 %, grasp 40 %, rest 40 %"
    assert shares.after == "reach 16.7 %, grasp 33.3 %, lift 16.7 %, rest 33.3 %"
    assert {change.what for change in added} == {"shares", "stage"}


# ---------------------------------------------------------------- the command


def run(*args: object, text: str | None = None) -> Result:
    return CliRunner().invoke(app, [str(arg) for arg in args], input=text)


@pytest.fixture
def milk(tmp_path: Path) -> Path:
    path = tmp_path / "milk.rl"
    path.write_text(MILK, "utf-8")
    return path


def test_the_command_says_that_nothing_changed(milk: Path) -> None:
    result = run("diff", milk, "-", text=expanded(MILK))
    assert (result.exit_code, result.output) == (0, "no difference in meaning\n")


def test_the_command_lists_what_changed(milk: Path) -> None:
    result = run("diff", milk, "-", text=MILK.replace("cost 0.1", "cost 0.2"))
    assert result.exit_code == 1
    assert result.output == "penalty tipped: cost\n  - 0.1\n  + 0.2\n1 difference in meaning\n"


def test_the_command_prints_json(milk: Path) -> None:
    result = run("diff", "--json", milk, "-", text=MILK.replace("cost 0.1", "cost 0.2"))
    assert result.exit_code == 1
    assert json.loads(result.output) == {
        "before": str(milk),
        "after": "<stdin>",
        "equal": False,
        "changes": [{"where": "penalty tipped", "what": "cost", "before": "0.1", "after": "0.2"}],
    }


def test_errors_of_both_files_are_shown(milk: Path) -> None:
    milk.write_text(MILK.replace("= milk_1", "= mlik_1"), "utf-8")
    result = run("diff", milk, "-", text=OWN_GOAL.replace("30 deg", "30"))
    assert result.exit_code == 2
    assert "error[unknown-object]: `mlik_1`" in result.stderr
    assert "error[missing-unit]: `30` has no unit" in result.stderr
    assert run("diff", milk, "nowhere.rl").exit_code == 2
    assert "only one of the two" in run("diff", "-", "-", text=MILK).stderr
