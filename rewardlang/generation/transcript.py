"""Every question and its answer, a line of JSON each; keys never come this far."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from rewardlang.llm.model import Answer, EndpointError, LanguageModel, Question


class TranscriptError(ValueError):
    """A transcript that cannot be written; the message says why."""


class RecordedModel:
    """A LanguageModel whose conversation is appended to a file. May be shared by threads."""

    def __init__(self, model: LanguageModel, file: Path):
        self._model = model
        self._file = file
        self._lock = Lock()

    @property
    def name(self) -> str:
        return self._model.name

    def answer(self, question: Question) -> Answer:
        """One answer. Raises EndpointError, which is recorded too, and TranscriptError."""
        try:
            answer = self._model.answer(question)
        except EndpointError as error:
            self._append(question, {"error": str(error)})
            raise
        self._append(question, {"model": self._model.name, "answer": asdict(answer)})
        return answer

    def _append(self, question: Question, outcome: dict[str, object]) -> None:
        line = {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "sample": question.sample,
            "constrained": question.constraint is not None,
            "messages": [asdict(message) for message in question.messages],
            **outcome,
        }
        try:
            with self._lock, self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
        except OSError as error:
            raise TranscriptError(
                f"cannot write {self._file}: {(error.strerror or str(error)).lower()}"
            ) from error
