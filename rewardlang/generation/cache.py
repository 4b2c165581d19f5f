"""Answers kept on disk: the same question to the same model is asked once.

One JSON file per question, named by the hash of all that the answer depends on: model and
endpoint, messages (the scene card among them), grammar, sampling.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import TypeAdapter

from rewardlang.files import write_whole
from rewardlang.llm.model import Answer, Finish, LanguageModel, Question

FORMAT = 2

_KEPT = TypeAdapter(Answer)


def cache_folder() -> Path:
    """Where answers are kept."""
    return Path(platformdirs.user_cache_dir("rewardlang")) / "answers"


class CachedModel:
    """A LanguageModel that answers what it was asked before from a folder.

    sampling: what else answers depend on: temperature, how they are held to a form. Only whole
    answers are kept. A file that cannot be read or written is no error: the model is asked.
    """

    def __init__(self, model: LanguageModel, folder: Path, sampling: Mapping[str, Any]):
        self._model = model
        self._folder = folder
        self._sampling = dict(sampling)

    @property
    def name(self) -> str:
        return self._model.name

    def answer(self, question: Question) -> Answer:
        """One answer. Raises EndpointError where none is to be had."""
        file = self._folder / f"{self._key(question)}.json"
        kept = _read(file)
        if kept is not None:
            return kept
        answer = self._model.answer(question)
        if answer.finish is Finish.WHOLE:
            _write(file, answer)
        return answer

    def _key(self, question: Question) -> str:
        form = question.constraint
        asked = {
            "format": FORMAT,
            "model": self._model.name,
            "messages": [asdict(message) for message in question.messages],
            "grammar": form.gbnf if form else "",
            "max_tokens": question.max_tokens,
            "sample": question.sample,
            "sampling": self._sampling,
        }
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _read(file: Path) -> Answer | None:
    try:
        kept = _KEPT.validate_json(file.read_bytes())
    except (OSError, ValueError):
        return None
    return replace(kept, cached=True) if kept.finish is Finish.WHOLE else None


def _write(file: Path, answer: Answer) -> None:
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, _KEPT.dump_json(answer))
