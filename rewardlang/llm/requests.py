"""A question -> the arguments of the call that asks it, as each provider wants them. Pure."""

from __future__ import annotations

from typing import Any, assert_never

from rewardlang.llm.model import Constraint, Message, Method, Question
from rewardlang.llm.providers import Provider

TOOL = "write_program"
_ABOUT_TOOL = "Takes the whole reward program, which is all that you answer."
_SCHEMA = "reward_program"

# The constrained answer is the program itself: a model that thinks aloud has done so in the plan.
_NO_THINKING = {"chat_template_kwargs": {"enable_thinking": False}}


def responses_arguments(question: Question, method: Method, model: str) -> dict[str, Any]:
    """For `client.responses.create`."""
    return {
        "model": model,
        "input": _messages(question.messages),
        "max_output_tokens": question.max_tokens,
        "store": False,
        **_responses_form(question.constraint, method),
    }


def chat_arguments(
    question: Question, method: Method, model: str, provider: Provider
) -> dict[str, Any]:
    """For `client.chat.completions.create`."""
    arguments: dict[str, Any] = {
        "model": model,
        "messages": _messages(question.messages),
        "stream_options": {"include_usage": True},
    }
    if provider is Provider.OPENAI_CHAT:
        arguments["max_completion_tokens"] = question.max_tokens
    else:
        arguments |= {"max_tokens": question.max_tokens, "seed": question.sample}
    if question.constraint is not None:
        arguments |= _chat_form(question.constraint, method, provider)
    return arguments


def _messages(messages: tuple[Message, ...]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in messages]


def _responses_form(constraint: Constraint | None, method: Method) -> dict[str, Any]:
    if constraint is None or method is Method.NONE:
        return {}
    if method is Method.JSON_SCHEMA:
        schema = {"name": _SCHEMA, "schema": constraint.schema, "strict": True}
        return {"text": {"format": {"type": "json_schema", **schema}}}
    tool = {
        "type": "custom",
        "name": TOOL,
        "description": _ABOUT_TOOL,
        "format": {"type": "grammar", "syntax": "lark", "definition": constraint.lark},
    }
    return {
        "tools": [tool],
        "tool_choice": {"type": "custom", "name": TOOL},
        "parallel_tool_calls": False,
    }


def _chat_form(constraint: Constraint, method: Method, provider: Provider) -> dict[str, Any]:
    match method:
        case Method.NONE:
            return {}
        case Method.JSON_SCHEMA:
            schema = {"name": _SCHEMA, "schema": constraint.schema, "strict": True}
            extra = {} if provider in _OPENAIS else {"extra_body": _NO_THINKING}
            return {"response_format": {"type": "json_schema", "json_schema": schema}, **extra}
        case Method.GRAMMAR:
            return _chat_grammar(constraint, provider)
        case _:
            assert_never(method)


_OPENAIS = (Provider.OPENAI, Provider.OPENAI_CHAT, Provider.OTHER)


def _chat_grammar(constraint: Constraint, provider: Provider) -> dict[str, Any]:
    match provider:
        case Provider.OPENAI | Provider.OPENAI_CHAT:
            grammar = {"syntax": "lark", "definition": constraint.lark}
            custom = {
                "name": TOOL,
                "description": _ABOUT_TOOL,
                "format": {"type": "grammar", "grammar": grammar},
            }
            return {
                "tools": [{"type": "custom", "custom": custom}],
                "tool_choice": {"type": "custom", "custom": {"name": TOOL}},
                "parallel_tool_calls": False,
            }
        case Provider.LLAMA_CPP:
            body: dict[str, Any] = {"grammar": constraint.gbnf}
        case Provider.VLLM:
            body = {"structured_outputs": {"grammar": constraint.gbnf}}
        case Provider.SGLANG:
            body = {"ebnf": constraint.gbnf}
        case Provider.OTHER:
            raise AssertionError("no grammar is known to other endpoints")
        case _:
            assert_never(provider)
    return {"extra_body": {**body, **_NO_THINKING}}
