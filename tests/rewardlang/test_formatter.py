"""The canonical layout, and comments in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from rewardlang.source import Source
from rewardlang.syntax import nodes
from rewardlang.syntax.formatter import LINE_WIDTH, format_expr, format_program
from rewardlang.syntax.parser import parse
from tests.rewardlang.trees import exprs, programs

LAWS = settings(
    max_examples=30,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
CASES = sorted((Path(__file__).parent / "cases").glob("good_*.rl"))


def formatted(text: str) -> str:
    parsed = parse(Source(text))
    assert parsed.tree is not None
    assert parsed.diagnostics == ()
    return format_program(parsed.tree)


@LAWS
@given(programs)
def test_formatting_twice_changes_nothing(tree: nodes.Program) -> None:
    text = format_program(tree)
    assert formatted(text) == text
    assert text.endswith("\n")
    assert not any(line != line.rstrip() for line in text.split("\n") if '"' not in line)


@LAWS
@given(exprs)
def test_conditions_keep_their_meaning(expr: nodes.Expr) -> None:
    head = 'rewardlang 1 task "a" scene "b/c" stage x { until '
    tree = parse(Source(f"{head}{format_expr(expr)} }} success bddl")).tree
    assert tree is not None
    assert isinstance(tree.root, nodes.Stage)
    assert tree.root.until.expr == expr


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_the_programs_of_the_language_reference_are_canonical(case: Path) -> None:
    text = case.read_text("utf-8")
    assert formatted(text) == text


MESSY = """\
# licence

rewardlang 1 task "a" # the task
scene "b/c"


# things

object a = b
object c = d # the c
# the plan
seq main # in the head
weight 2.50 {  # opened

  # first
  stage x { until near(a, # inside
       b) for 01 steps # done
   # progress
   progress dist(a,b) from reset to 0.50 cm while ((a(b)) and (c(d) or e(f))) } # closed
  use foo(a,b) as bar weight 2 while not (x(a) or y(b))


  keep k { a(b) # kept
  }
  # last words
} # end
success when (a(b) and b(c)) for 2 steps
# how it is paid
shaping pbrs gamma 0.990
penalty p cost 0.1 when x(a)

# that is all
"""

NEAT = """\
# licence

rewardlang 1
task "a"  # the task
scene "b/c"

# things

object a = b
object c = d  # the c

# the plan
# in the head
seq main weight 2.5 {  # opened
  # first
  stage x {
    # inside
    until near(a, b) for 1 step  # done
    # progress
    progress dist(a, b) from reset to 0.5 cm
    while a(b) and (c(d) or e(f))
  }  # closed
  use foo(a, b) as bar weight 2 while not (x(a) or y(b))

  # kept
  keep k { a(b) }
  # last words
}  # end

success when (a(b) and b(c)) for 2 steps
# how it is paid
shaping pbrs gamma 0.99
penalty p cost 0.1 when x(a)

# that is all
"""


def test_comments_stay_with_what_they_are_about() -> None:
    assert formatted(MESSY) == NEAT
    assert formatted(NEAT) == NEAT


def test_a_stage_fills_one_line_or_one_per_clause() -> None:
    head = 'rewardlang 1\ntask "a"\nscene "b/c"\n\n'
    condition = " and ".join(["grasped(soup)"] * 4)
    fits = f"stage {'x' * (LINE_WIDTH - len(condition) - 17)} {{ until {condition} }}"
    assert len(fits) == LINE_WIDTH
    assert fits in formatted(f"{head}{fits}\nsuccess bddl")
    longer = fits.replace("stage x", "stage xx")
    assert f"xx {{\n  until {condition}\n}}" in formatted(f"{head}{longer}\nsuccess bddl")


def test_numbers_are_as_short_as_they_can_be() -> None:
    text = 'rewardlang 01 task "t" scene "s" stage a weight 007.50 { until b(0.1000 m, 10.0 %) }'
    assert "stage a weight 7.5 { until b(0.1 m, 10 %) }" in formatted(f"{text} success bddl")
