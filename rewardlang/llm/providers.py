"""Who answers at an endpoint, and what each of them can hold an answer to."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from urllib.parse import urlsplit

from rewardlang.llm.model import Method


class Provider(StrEnum):
    """Endpoints that differ in how a grammar is asked for."""

    OPENAI = "openai"  # the Responses API, a custom tool with a Lark grammar
    OPENAI_CHAT = "openai-chat"  # the same by Chat Completions
    VLLM = "vllm"
    LLAMA_CPP = "llama.cpp"
    SGLANG = "sglang"
    OTHER = "other"  # JSON schema at best


_OWNERS = {
    "llamacpp": Provider.LLAMA_CPP,
    "vllm": Provider.VLLM,
    "sglang": Provider.SGLANG,
}


def is_openai(base_url: str) -> bool:
    """Whether it is OpenAI's own endpoint."""
    return urlsplit(base_url).hostname == "api.openai.com"


def provider_of(base_url: str, owners: Sequence[str]) -> Provider:
    """Who answers there. `owners`: of its models, as it lists them."""
    if is_openai(base_url):
        return Provider.OPENAI
    return next((_OWNERS[owner] for owner in owners if owner in _OWNERS), Provider.OTHER)


def methods(provider: Provider) -> tuple[Method, ...]:
    """What it may understand, strictest first; NONE is understood by all."""
    if provider is Provider.OTHER:
        return (Method.JSON_SCHEMA, Method.NONE)
    return (Method.GRAMMAR, Method.JSON_SCHEMA, Method.NONE)
