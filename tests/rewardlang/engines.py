"""What holds real decoders to a grammar, byte by byte: llguidance and xgrammar."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import llguidance
import xgrammar
from llguidance.gbnf_to_lark import gbnf_to_lark

from rewardlang.grammars.model import Grammar
from rewardlang.grammars.print_gbnf import gbnf
from rewardlang.grammars.print_json_schema import json_schema
from rewardlang.grammars.print_lark import lark

Engine = Callable[[str], tuple[int, bool]]
"""A text -> how many bytes of it the engine lets through, and whether it may end there."""

_BYTES = llguidance.LLTokenizer("byte")
_END = 256
_TOKENS = xgrammar.TokenizerInfo(
    [*(bytes([n]) for n in range(_END)), b"<end>"], stop_token_ids=[_END]
)
_COMPILER = xgrammar.GrammarCompiler(_TOKENS)


def engines(grammar: Grammar) -> dict[str, Engine]:
    """Each engine with the notation of a program that its endpoint is sent."""
    return {
        "llguidance, Lark": _llguidance(llguidance.LLMatcher.grammar_from_lark(lark(grammar))),
        "llguidance, GBNF": _llguidance(
            llguidance.LLMatcher.grammar_from_lark(gbnf_to_lark(gbnf(grammar)))
        ),
        "xgrammar, EBNF": _xgrammar(
            _COMPILER.compile_grammar(xgrammar.Grammar.from_ebnf(gbnf(grammar)))
        ),
    }


def json_engines(grammar: Grammar) -> dict[str, Engine]:
    """The same for programs as JSON documents."""
    schema = json.dumps(json_schema(grammar))
    return {
        "llguidance, JSON": _llguidance(llguidance.LLMatcher.grammar_from_json_schema(schema)),
        "xgrammar, JSON": _xgrammar(_COMPILER.compile_json_schema(schema)),
    }


def _llguidance(compiled: str) -> Engine:
    matcher = llguidance.LLMatcher(_BYTES, compiled)
    assert not matcher.is_error(), matcher.get_error()

    def engine(text: str) -> tuple[int, bool]:
        matcher.reset()
        taken = matcher.try_consume_tokens(list(text.encode()))
        return taken, matcher.is_accepting()

    return engine


def _xgrammar(compiled: Any) -> Engine:
    def engine(text: str) -> tuple[int, bool]:
        matcher = xgrammar.GrammarMatcher(compiled)
        data = text.encode()
        taken = next(
            (n for n, byte in enumerate(data) if not matcher.accept_token(byte)), len(data)
        )
        return taken, matcher.accept_token(_END)

    return engine
