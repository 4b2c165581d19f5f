"""Plan, write, analyse, correct: what a model is told, and what of its answers is kept."""

from __future__ import annotations

import json
import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rewardlang.api import analyze
from rewardlang.generation.answers import program_in, with_header, without_thoughts
from rewardlang.generation.choosing import choose
from rewardlang.generation.drafting import (
    LONGEST_PROGRAM,
    PLAN_TOKENS,
    PROGRAM_TOKENS,
    Draft,
    draft,
    judged,
)
from rewardlang.generation.form import ProgramForm
from rewardlang.generation.making import MakeError, Manner, modelled
from rewardlang.generation.revising import edited
from rewardlang.llm.model import Answer, EndpointError, Finish, Method, Usage
from rewardlang.llm.streams import MOST_CHARACTERS
from rewardlang.prompting.messages import Finding, Wanted
from rewardlang.syntax.formatter import format_program
from tests.rewardlang.generation.scripted import (
    GOOD,
    MILK,
    WANTED,
    WARNED,
    WRONG,
    Said,
    ScriptedModel,
)

OWN = Wanted(MILK, "leave the milk upright in the basket", own_goal=True)
OWN_PROGRAM = GOOD.replace("success bddl", "success when upright(milk, 20 deg)")
WORSE = WRONG.replace("above(milk,", "abov(milk,")


def drafted(*said: Said, attempts: int = 3, wanted: Wanted = WANTED) -> tuple[Draft, ScriptedModel]:
    model = ScriptedModel(*said)
    return draft(model, wanted, attempts=attempts, plan=False), model


def answer(text: str, finish: Finish = Finish.WHOLE) -> Answer:
    return Answer(text, finish, Method.NONE, Usage())


# --- what is asked ----------------------------------------------------------------------------


def test_the_plan_goes_into_the_second_question() -> None:
    model = ScriptedModel("<think>hm, hm</think>\nFirst reach, then grasp.\n", GOOD)
    form = ProgramForm(WANTED)
    made = draft(model, WANTED, attempts=3, form=form, sample=4)
    planning, writing = model.asked
    assert (planning.max_tokens, planning.constraint, planning.sample) == (PLAN_TOKENS, None, 4)
    assert (writing.max_tokens, writing.constraint, writing.sample) == (PROGRAM_TOKENS, form, 4)
    assert writing.messages[: len(planning.messages)] == planning.messages
    plan, wish = writing.messages[len(planning.messages) :]
    assert (plan.role, plan.content) == ("assistant", "First reach, then grasp.")
    assert wish.role == "user"
    assert made.best.text == GOOD
    assert made.usage == Usage(200, 20, 2.0)


@pytest.mark.parametrize("plan", [Finish.CUT, Finish.REFUSED, Finish.EMPTY, "<think>and on and on"])
def test_a_plan_that_is_none_is_left_out(plan: Said) -> None:
    model = ScriptedModel(plan, GOOD)
    assert draft(model, WANTED, attempts=1).best.text == GOOD
    assert [message.role for message in model.asked[1].messages] == ["system", "user"]


def test_no_plan_is_one_question() -> None:
    made, model = drafted(GOOD)
    assert len(model.asked) == 1
    assert made.planned is None
    assert model.questions[0].rstrip().endswith("beginning with `rewardlang 1`.")


def test_what_is_wrong_reaches_the_next_question_with_class_and_line() -> None:
    made, model = drafted(WRONG, GOOD)
    assert made.best.text == GOOD
    first, second = model.asked
    assert second.messages[: len(first.messages)] == first.messages
    said, wish = second.messages[len(first.messages) :]
    assert (said.role, wish.role) == ("assistant", "user")
    assert "grasped(milc)" in said.content
    (finding,) = (json.loads(line) for line in wish.content.splitlines() if line[:1] == "{")
    assert (finding["class"], finding["code"]) == ("name", "unknown-object")
    assert said.content.splitlines()[finding["line"] - 1].strip() == finding["text"]
    assert finding["message"] == "`milc` is not in this scene"
    assert "did you mean `milk`?" in finding["hint"]
    assert "\nname: a name that does not exist" in wish.content


def test_each_question_tells_the_last_mistakes_alone() -> None:
    _, model = drafted(WRONG, WORSE, GOOD)
    third = model.asked[2].messages
    assert [message.role for message in third] == ["system", "user", "assistant", "user"]
    assert "abov" in third[2].content


def test_a_warning_is_told_too_and_a_program_with_one_is_usable() -> None:
    made, model = drafted(WARNED, attempts=2)
    assert len(model.asked) == 2
    assert '"class": "number", "code": "implausible-threshold"' in model.questions[1]
    assert made.best.is_usable
    assert made.best.badness == (0, 1)


@pytest.mark.parametrize(
    ("finish", "told"),
    [
        (Finish.CUT, "cut off at the longest allowed length"),
        (Finish.TOO_LONG, "far longer than any program"),
        (Finish.REFUSED, "did not answer with a program"),
        (Finish.EMPTY, "Your answer was empty"),
    ],
)
def test_an_answer_that_is_none_is_a_failure_and_is_told(finish: Finish, told: str) -> None:
    made, model = drafted(finish, GOOD)
    failed, good = made.attempts
    assert not failed.is_usable
    assert failed.text == ""
    assert failed.badness > judged(answer("no program at all"), WANTED).badness
    assert good.text == GOOD
    assert told in model.questions[1]
    assert [message.role for message in model.asked[1].messages] == ["system", "user"]


@pytest.mark.parametrize("attempts", [1, 2, 5])
def test_attempts_are_bounded(attempts: int) -> None:
    made, model = drafted(WRONG, attempts=attempts)
    assert len(made.attempts) == len(model.asked) == attempts
    assert made.best is made.attempts[0]


def test_a_good_program_ends_the_asking() -> None:
    made, model = drafted(GOOD, WRONG, attempts=5)
    assert len(model.asked) == 1
    assert made.best.text == GOOD


def test_the_best_attempt_is_kept() -> None:
    made, _ = drafted(WORSE, WARNED, WRONG)
    assert [attempt.badness for attempt in made.attempts] == [(2, 2), (0, 1), (1, 1)]
    assert made.best.text == WARNED


# --- what is made of an answer ----------------------------------------------------------------


def test_the_header_is_not_the_models_to_say() -> None:
    elsewhere = GOOD.replace(MILK.id, "libero_object/somewhere").replace(
        f'task "{MILK.instruction}"', 'task "do as you like"'
    )
    assert judged(answer(elsewhere), WANTED).text == GOOD


def test_readable_names_are_added_and_the_layout_is_ours() -> None:
    bare = "\n".join(line for line in GOOD.splitlines() if not line.startswith(("object", "#")))
    bare = re.sub(r"\bmilk\b(?=[,)])", "milk_1", bare).replace("  ", " ")
    bare = bare.replace(", basket)", ", basket_1_contain_region)")
    assert " milk_1)" in bare
    made = judged(answer(bare), WANTED)
    assert made.badness == (0, 0)
    assert "object milk = milk_1\nobject basket = basket_1_contain_region\n" in made.text
    assert "(milk_1)" not in made.text
    tree = analyze(made.text).tree
    assert tree is not None
    assert format_program(tree) == made.text


def test_a_goal_of_ones_own_needs_success_when() -> None:
    made, model = drafted(GOOD, OWN_PROGRAM, wanted=OWN)
    first, second = made.attempts
    assert not first.is_usable
    assert "must end with `success when`" in model.questions[1]
    assert '"class": "goal"' in model.questions[1]
    assert second.is_usable
    assert f'task "{OWN.instruction}"' in second.text
    assert made.best is second


def test_the_benchmarks_own_task_needs_its_own_success() -> None:
    made, model = drafted(OWN_PROGRAM, GOOD)
    assert not made.attempts[0].is_usable
    assert "must end with `success bddl`" in model.questions[1]
    assert made.best is made.attempts[1]


def test_an_edit_may_change_the_goal() -> None:
    changed = OWN_PROGRAM.replace("leave the milk upright in the basket", MILK.instruction)
    model = ScriptedModel(changed)
    made = edited(model, WANTED, GOOD, "let success be an upright milk", attempts=1)
    assert made.best.is_usable
    assert "success when upright(milk, 20 deg)" in made.best.text


WRAPPED = {
    "prose": "Sure! Here it is:\n\n{}",
    "fence": "Here it is:\n```rewardlang\n{}```\nGood luck!",
    "open fence": "```\n{}",
    "closing fence": "{}\n```\nThis does the task.",
    "two fences": "```\nrewardlang 1\n# a draft\n```\nBetter:\n```\n{}\n```\n```sh\nrewardlang\n```"
    .replace("```sh\nrewardlang\n```", "```sh\nls\n```"),
    "thought": "<think>\nrewardlang 1 is what I write\n```\nrewardlang 1\n```\n</think>\n{}",
    "thought without its beginning": "rewardlang 1 perhaps\n</think>\n{}",
    "thought at the end": "{}<think>was that",
    "indented fence": "1. So:\n   ```\n{}\n   ```",
}  # fmt: skip


@pytest.mark.parametrize("around", WRAPPED.values(), ids=WRAPPED)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_program_is_found_in_what_is_around_it(around: str, ends: str) -> None:
    text = around.format(GOOD).replace("\n", ends)
    assert program_in(text) == GOOD
    assert judged(answer(text), WANTED).text == GOOD


PARTS = st.sampled_from(
    ["rewardlang", " 1", "\n", "task ", '"', "scene ", "```", "<think>", "</think>", "{", "\t",
     "stage a", "until near(gripper, milk_1)", "\r", "\x00", "ü", "success bddl", "#"]
)  # fmt: skip
TEXTS = st.one_of(st.text(), st.lists(PARTS, max_size=30).map("".join))


@given(TEXTS)
@example("")
@example(" \r\r\n")
@example("\n```rewardlang")
@example(GOOD)
def test_no_answer_is_too_odd(text: str) -> None:
    found = program_in(text)
    assert "</think>" not in without_thoughts(text)
    assert program_in(found) in (found, found.strip() + "\n")
    assert "\n```" not in found or not re.match(r"[ \t]*rewardlang\b", found)
    headed = with_header(found, "go", "a/b")
    assert headed == found or 'task "go"\nscene "a/b"' in headed
    assert with_header(headed, "go", "a/b") == headed


@settings(max_examples=40)
@given(TEXTS, st.sampled_from(Finish), st.booleans())
def test_every_answer_is_judged(text: str, finish: Finish, own: bool) -> None:
    attempt = judged(answer(text, finish), OWN if own else WANTED)
    assert attempt.fault or attempt.findings or attempt.is_usable
    assert (attempt.analysis is None) == (finish is not Finish.WHOLE)


LONG = {
    "backticks": "`", "fences": "```\n", "fences and programs": "```\nrewardlang 1\n",
    "thoughts": "<think>", "thought ends": "</think>", "tabs": "\t", "blanks": " ", "lines": "\n",
    "prose": "the milk ", "headers": "rewardlang 1\n", "braces": "{", "quotes": '"', "hashes": "#",
    "returns": "\r", "header and blanks": 'rewardlang 1 task "a" scene ',
}  # fmt: skip


@pytest.mark.parametrize("part", LONG.values(), ids=LONG)
@pytest.mark.parametrize("before", ["", "rewardlang ", "rewardlang 1 task "])
def test_a_long_answer_takes_little_time_and_is_not_repeated(part: str, before: str) -> None:
    text = (before + part * MOST_CHARACTERS)[:MOST_CHARACTERS]
    started = time.process_time()
    with_header(text, "go", "a/b")
    made, model = drafted(text, attempts=2)
    assert time.process_time() - started < 3
    assert not made.best.is_usable
    assert len(model.asked[1].messages) == 2 or len(made.best.text) <= LONGEST_PROGRAM
    asked = sum(len(message.content) for message in model.asked[1].messages)
    assert asked < LONGEST_PROGRAM + 30_000


# --- the best of several ----------------------------------------------------------------------


def test_samples_that_tie_are_audited_once_each() -> None:
    other = GOOD.replace("lifted(milk, 16 cm)", "lifted(milk, 17 cm)")
    third = GOOD.replace("lifted(milk, 16 cm)", "lifted(milk, 18 cm)")
    model = ScriptedModel(WARNED, GOOD, other, GOOD, third)
    audited: list[str] = []

    def audit(text: str, wanted: Wanted) -> tuple[Finding, ...]:
        assert wanted == WANTED
        audited.append(text)
        return () if text == other else (Finding("coverage", "is never reached"),)

    manner = Manner(plan=False, attempts=1, samples=5, constrained=False)
    made = modelled(model, WANTED, manner, audit)
    assert audited == [GOOD, other, third]
    assert made.text == other
    assert made.choice is not None
    assert made.choice.audited == 0
    assert made.choice.answers == 5
    assert made.choice.usage == Usage(500, 50, 5.0)
    assert [question.sample for question in model.asked] == [0, 1, 2, 3, 4]


def test_nothing_is_audited_where_there_is_nothing_to_choose() -> None:
    def never(text: str) -> float:
        raise AssertionError(text)

    drafts = [drafted(said, attempts=1)[0] for said in (WARNED, GOOD, GOOD)]
    assert choose(drafts, never).attempt.text == GOOD
    wrong = [drafted(said, attempts=1)[0] for said in (WORSE, WRONG)]
    assert choose(wrong, never).attempt.badness == (1, 1)
    assert choose(drafts).audited is None


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (WRONG, "the best of 2 answers has 1 error"),
        (WORSE, "the best of 2 answers has 2 errors"),
        (Finish.CUT, "no program came of 2 answers: cut answer"),
    ],
)
def test_no_usable_program_is_said_with_what_it_cost(said: Said, message: str) -> None:
    manner = Manner(plan=False, attempts=2, constrained=False)
    with pytest.raises(MakeError) as caught:
        modelled(ScriptedModel(said), WANTED, manner)
    assert str(caught.value).startswith(message)
    assert caught.value.choice is not None
    assert caught.value.choice.usage == Usage(200, 20, 2.0)


def test_every_answer_is_held_to_the_grammar_of_what_is_wanted() -> None:
    model = ScriptedModel(OWN_PROGRAM)
    modelled(model, OWN, Manner(plan=False))
    modelled(model, OWN, Manner(plan=False, constrained=False))
    held, free = (question.constraint for question in model.asked)
    assert held is not None
    assert "success when" in held.gbnf
    assert "success bddl" not in held.gbnf
    assert free is None


def test_an_endpoint_that_fails_is_not_hidden() -> None:
    with pytest.raises(EndpointError, match="no more"):
        drafted(WRONG, EndpointError("no more"))
