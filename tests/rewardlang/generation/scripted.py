"""A language model that says what a test wrote for it, and remembers what it was asked."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

from rewardlang.llm.model import Answer, Finish, Method, Question, Usage
from rewardlang.planning.planner import plan
from rewardlang.prompting.messages import Wanted
from rewardlang.scene import load

MILK = load("libero_object/pick_up_the_milk_and_place_it_in_the_basket")
WANTED = Wanted(MILK, MILK.instruction)
GOOD = plan(MILK)
WRONG = GOOD.replace("grasped(milk)", "grasped(milc)")  # the name in five places
LESS_WRONG = GOOD.replace("grasped(milk) for", "grasped(milc) for")
WARNED = GOOD.replace("lifted(milk, 16 cm)", "lifted(milk, 16 m)")

Said = str | Finish | Exception


class ScriptedModel:
    """Gives the answers in their order and the last one for ever; an exception is raised.

    100 tokens of each question, 10 of each answer, one second.
    """

    name = "scripted"

    def __init__(self, *answers: Said):
        self._answers: Sequence[Said] = answers
        self._lock = Lock()
        self.asked: list[Question] = []

    def answer(self, question: Question) -> Answer:
        with self._lock:
            said = self._answers[min(len(self.asked), len(self._answers) - 1)]
            self.asked.append(question)
        if isinstance(said, Exception):
            raise said
        text, finish = ("rewardlang 1", said) if isinstance(said, Finish) else (said, Finish.WHOLE)
        return Answer(text, finish, Method.NONE, Usage(100, 10, 1.0))

    @property
    def questions(self) -> list[str]:
        """The last message of each question."""
        return [question.messages[-1].content for question in self.asked]
