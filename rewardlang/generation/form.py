"""The form of a scene's programs, in the notations that endpoints ask for."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from rewardlang.grammars.build import Goal, build
from rewardlang.grammars.document import NotInGrammarError, written
from rewardlang.grammars.model import Grammar
from rewardlang.grammars.print_gbnf import gbnf
from rewardlang.grammars.print_json_schema import json_schema
from rewardlang.grammars.print_lark import lark
from rewardlang.prompting.messages import Wanted


class ProgramForm:
    """A Constraint: the grammar of a scene's programs. Notations are printed when asked for."""

    def __init__(self, wanted: Wanted):
        self._wanted = wanted

    @cached_property
    def _grammar(self) -> Grammar:
        wanted = self._wanted
        goal = Goal.OWN if wanted.own_goal else Goal.NATIVE
        return build(wanted.scene, goal=goal, task=wanted.instruction)

    @cached_property
    def lark(self) -> str:
        return lark(self._grammar)

    @cached_property
    def gbnf(self) -> str:
        return gbnf(self._grammar)

    @cached_property
    def schema(self) -> dict[str, Any]:
        return json_schema(self._grammar)

    def program(self, document: Any) -> str | None:
        """The program's text that a JSON document of the schema says; None where it is none."""
        try:
            return written(self._grammar, document)
        except NotInGrammarError:
            return None
