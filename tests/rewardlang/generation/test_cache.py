"""The same question is asked once; whatever an answer depends on makes another question."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rewardlang.generation.cache import CachedModel, cache_folder
from rewardlang.generation.drafting import draft
from rewardlang.generation.form import ProgramForm
from rewardlang.generation.transcript import RecordedModel, TranscriptError
from rewardlang.llm.model import EndpointError, Finish, Message, Question
from rewardlang.prompting.messages import opening
from rewardlang.scene import load
from tests.rewardlang.generation.scripted import GOOD, WANTED, ScriptedModel

ORANGE = load("libero_object/pick_up_the_orange_juice_and_place_it_in_the_basket")
QUESTION = Question((Message("system", "you write"), Message("user", "write")), 100)
SAMPLING = {"temperature": None, "constrain": "auto"}


class Named(ScriptedModel):
    def __init__(self, name: str, *said: Any):
        super().__init__(*said)
        self.name = name


def cached(folder: Path, *said: Any, name: str = "m", **sampling: Any) -> tuple[CachedModel, Named]:
    model = Named(name, *said)
    return CachedModel(model, folder, {**SAMPLING, **sampling}), model


def test_what_was_asked_before_is_read_from_disk(tmp_path: Path) -> None:
    first, asked = cached(tmp_path, "an answer")
    new = first.answer(QUESTION)
    again, never = cached(tmp_path, "another answer")
    kept = again.answer(QUESTION)
    assert (len(asked.asked), len(never.asked)) == (1, 0)
    assert (new.text, new.cached) == ("an answer", False)
    assert kept == replace(new, cached=True)
    assert len(list(tmp_path.iterdir())) == 1


def test_answers_from_disk_cost_nothing(tmp_path: Path) -> None:
    first, _ = cached(tmp_path, "a plan", GOOD)
    assert draft(first, WANTED, attempts=1).usage.prompt_tokens == 200
    again, never = cached(tmp_path, "nothing")
    made = draft(again, WANTED, attempts=1)
    assert made.best.text == GOOD
    assert made.usage.prompt_tokens == 0
    assert never.asked == []


OTHER = {
    "prompt": replace(QUESTION, messages=(*QUESTION.messages[:1], Message("user", "write!"))),
    "role": replace(QUESTION, messages=(Message("user", "you write"), *QUESTION.messages[1:])),
    "scene card": replace(QUESTION, messages=opening(replace(WANTED, scene=ORANGE))),
    "sample": replace(QUESTION, sample=1),
    "length": replace(QUESTION, max_tokens=101),
    "grammar": replace(QUESTION, constraint=ProgramForm(WANTED)),
    "grammar of another scene": replace(
        QUESTION, constraint=ProgramForm(replace(WANTED, scene=ORANGE))
    ),
}


def test_another_question_is_asked(tmp_path: Path) -> None:
    model, asked = cached(tmp_path, "an answer")
    questions = [QUESTION, *OTHER.values()]
    for question in questions:
        model.answer(question)
    assert len(asked.asked) == len(questions) == len(list(tmp_path.iterdir()))


@pytest.mark.parametrize(
    "other", [{"name": "n"}, {"temperature": 0.5}, {"constrain": "none"}], ids=str
)
def test_another_model_or_way_of_sampling_is_asked(tmp_path: Path, other: dict[str, Any]) -> None:
    cached(tmp_path, "an answer")[0].answer(QUESTION)
    model, asked = cached(tmp_path, "another answer", **other)
    assert model.answer(QUESTION).text == "another answer"
    assert len(asked.asked) == 1


@pytest.mark.parametrize("finish", [finish for finish in Finish if finish is not Finish.WHOLE])
def test_only_whole_answers_are_kept(tmp_path: Path, finish: Finish) -> None:
    model, asked = cached(tmp_path, finish, "an answer")
    assert model.answer(QUESTION).finish is finish
    assert list(tmp_path.iterdir()) == []
    assert model.answer(QUESTION).text == "an answer"
    assert len(asked.asked) == 2


BROKEN = [
    b"", b"{", b"\xff\x00", b"[" * 100_000, b"null", b"[]", b"{}", b'{"text": 3}',
    b'{"text": "t", "finish": "cut", "method": "none", "usage": {}}',
    b'{"text": "t", "finish": "whole", "method": "magic", "usage": {}}',
    b'{"text": "t", "finish": "whole", "method": "none", "usage": {"seconds": "long"}}',
]  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN)
def test_a_file_that_is_no_answer_is_replaced(tmp_path: Path, broken: bytes) -> None:
    cached(tmp_path, "an answer")[0].answer(QUESTION)
    (file,) = tmp_path.iterdir()
    good = file.read_bytes()
    file.write_bytes(broken)
    model, asked = cached(tmp_path, "an answer")
    answer = model.answer(QUESTION)
    assert (answer.text, answer.cached, len(asked.asked)) == ("an answer", False, 1)
    assert file.read_bytes() == good


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "in_the_way").write_text("")
    model, asked = cached(tmp_path / "in_the_way" / "answers", "an answer")
    assert model.answer(QUESTION).text == model.answer(QUESTION).text == "an answer"
    assert len(asked.asked) == 2


def test_the_cache_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path / name))
    assert cache_folder() == tmp_path / "rewardlang" / "answers"


# --- the transcript ---------------------------------------------------------------------------


def test_a_transcript_holds_each_question_and_its_answer(tmp_path: Path) -> None:
    file = tmp_path / "talk.jsonl"
    model = RecordedModel(ScriptedModel("ünï", EndpointError("no more")), file)
    model.answer(replace(QUESTION, sample=2))
    with pytest.raises(EndpointError, match="no more"):
        model.answer(replace(QUESTION, constraint=ProgramForm(WANTED)))
    first, second = (json.loads(line) for line in file.read_text("utf-8").splitlines())
    messages = [{"role": "system", "content": "you write"}, {"role": "user", "content": "write"}]
    assert (first.pop("time")[:2], second.pop("time")[:2]) == ("20", "20")
    assert first == {
        "sample": 2,
        "constrained": False,
        "messages": messages,
        "model": "scripted",
        "answer": {
            "text": "ünï", "finish": "whole", "method": "none", "cached": False,
            "usage": {"prompt_tokens": 100, "answer_tokens": 10, "seconds": 1.0},
        },
    }  # fmt: skip
    assert second == {
        "sample": 0, "constrained": True, "messages": messages, "error": "no more"
    }  # fmt: skip


def test_a_transcript_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(TranscriptError, match=r"cannot write .*: is a directory"):
        RecordedModel(ScriptedModel("an answer"), tmp_path).answer(QUESTION)
