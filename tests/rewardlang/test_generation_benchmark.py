"""`benchmarks/generation.py` on programs and answers whose score is known."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rewardlang.generation.drafting import draft
from rewardlang.generation.transcript import RecordedModel
from rewardlang.llm.model import Answer, EndpointError, Finish, Method, Question, Usage
from rewardlang.planning.planner import plan
from rewardlang.prompting.messages import Wanted
from rewardlang.scene import load

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "generation.py"
MILK = load("libero_object/pick_up_the_milk_and_place_it_in_the_basket")
BOWL = load("libero_goal/put_the_bowl_on_the_plate")
WRONG = "rewardlang 1\nI cannot do this."


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BENCHMARK), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def scores(*arguments: object) -> list[dict[str, Any]]:
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    *table, last = done.stdout.splitlines()
    found = json.loads(last)["scores"]
    assert [row.split()[0] for row in table[1:]] == [row["name"].split()[0] for row in found]
    return found


def wrote(file: Path, *answers: tuple[str, str]) -> Path:
    lines = (json.dumps({"scene": scene, "answer": answer}) for scene, answer in answers)
    file.write_text("\n".join(lines), "utf-8")
    return file


class Scripted:
    """A LanguageModel that says what it is given, one after the other."""

    name = "scripted"

    def __init__(self, *texts: str):
        self._texts = iter(texts)

    def answer(self, question: Question) -> Answer:
        del question
        text = next(self._texts, None)
        if text is None:
            raise EndpointError("nothing more to say")
        return Answer(text, Finish.WHOLE, Method.NONE, Usage())


def test_a_folder_is_scored_beside_the_planner(tmp_path: Path) -> None:
    ours = plan(MILK)
    for scene, text in (
        (MILK, ours.replace("grasp weight 2", "grasp weight 4")),
        (BOWL, plan(BOWL).replace("until grasped(", "until graspt(")),
    ):
        path = tmp_path / f"{scene.id}.rl"
        path.parent.mkdir(parents=True)
        path.write_text(text, "utf-8")
    (tmp_path / "libero_goal" / "own.rl").write_text(ours, "utf-8")
    generated, planned = scores(tmp_path)
    assert (generated["programs"], generated["valid"], generated["goal"]) == (2, 1, 1)
    assert generated["changes"] == 1
    assert (planned["programs"], planned["valid"], planned["goal"]) == (2, 2, 2)
    assert (planned["changes"], planned["warnings"]) == (0, 0)
    assert generated["first"] is generated["answers"] is generated["audit"] is None
    assert "own.rl: left out" in run(tmp_path).stderr


def test_a_program_without_a_part_of_the_goal_is_valid_and_does_not_cover_it(
    tmp_path: Path,
) -> None:
    text = plan(MILK)
    lower = next(line for line in text.splitlines() if "stage lower" in line)
    answers = wrote(tmp_path / "answers.jsonl", (MILK.id, text.replace(f"{lower}\n", "")))
    row, _ = scores("--answers", answers)
    assert (row["valid"], row["goal"]) == (1, 0)
    assert row["warnings"] >= 1


def test_answers_become_programs_as_generate_makes_them(tmp_path: Path) -> None:
    answers = wrote(
        tmp_path / "answers.jsonl",
        (MILK.id, f"Gladly:\n```\n{plan(MILK)}```\nGood luck!"),
        (BOWL.id, WRONG),
        (BOWL.id, plan(BOWL)),
    )
    row, planned = scores("--answers", answers)
    assert (row["programs"], row["valid"], row["first"], row["answers"]) == (2, 2, 1, 1.5)
    assert row["changes"] == 0
    assert planned["programs"] == 2


def test_a_transcript_gives_what_was_needed(tmp_path: Path) -> None:
    file = tmp_path / "transcript.jsonl"
    for scene, texts in (
        (MILK, ("first the basket", WRONG, plan(MILK))),
        (BOWL, ("first the plate", WRONG, WRONG)),
    ):
        model = RecordedModel(Scripted(*texts), file)
        draft(model, Wanted(scene, scene.instruction), attempts=len(texts) - 1)
    with pytest.raises(EndpointError):
        draft(RecordedModel(Scripted(), file), Wanted(BOWL, BOWL.instruction), attempts=1)
    row, _ = scores("--transcript", file)
    assert (row["programs"], row["valid"], row["first"], row["answers"]) == (2, 1, 0, 2)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"scene": "libero_goal/none", "answer": ""}', "there is no scene `libero_goal/none`"),
        ('{"answer": ""}', "'scene' is missing"),
        ("nonsense", "Expecting value"),
        ("[]", "list indices must be"),
    ],
)
def test_a_line_that_is_no_answer_is_named(tmp_path: Path, line: str, message: str) -> None:
    file = tmp_path / "answers.jsonl"
    file.write_text(f"{json.dumps({'scene': MILK.id, 'answer': 'no'})}\n{line}\n", "utf-8")
    done = run("--answers", file)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {file}:2: {message}")


@pytest.mark.sim
def test_an_audit_counts_the_programs_that_pass(tmp_path: Path) -> None:
    answers = wrote(tmp_path / "answers.jsonl", (MILK.id, plan(MILK)), (BOWL.id, WRONG))
    row, planned = scores("--answers", answers, "--audit", "1")
    assert (row["audit"], planned["audit"]) == ("1/1", "1/1")
