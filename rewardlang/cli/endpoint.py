"""The options of every command that asks a language model, and the model they name."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from rewardlang.cli.console import fail
from rewardlang.llm.model import LanguageModel

Attempts = Annotated[
    int, typer.Option(min=1, max=20, help="Answers per program, corrections included.")
]


class ProviderName(StrEnum):
    """Who serves the endpoint."""

    AUTO = "auto"
    OPENAI = "openai"
    OPENAI_CHAT = "openai-chat"
    VLLM = "vllm"
    LLAMA_CPP = "llama.cpp"
    SGLANG = "sglang"
    OTHER = "other"


class Constrain(StrEnum):
    """How answers are held to the form of a program."""

    AUTO = "auto"
    GRAMMAR = "grammar"
    JSON_SCHEMA = "json-schema"
    NONE = "none"


@dataclass(frozen=True)
class Asked:
    """What the options say; None stands for what is not given. A field is an option."""

    base_url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="An OpenAI-compatible endpoint, .../v1."),
    ] = None
    model: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Its model; not needed where it has only one."),
    ] = None
    api_key: Annotated[
        str | None, typer.Option(metavar="KEY", help="Better set REWARDLANG_API_KEY.")
    ] = None
    provider: Annotated[ProviderName, typer.Option(help="Who serves it; auto finds out.")] = (
        ProviderName.AUTO
    )
    constrain: Annotated[
        Constrain,
        typer.Option(help="Hold answers to a grammar; auto: as strictly as the endpoint can."),
    ] = Constrain.AUTO
    temperature: Annotated[
        float | None, typer.Option(metavar="T", help="0 to 2.  [default: the endpoint's]")
    ] = None
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="For a whole answer.  [default: 300]")
    ] = None
    retries: Annotated[
        int | None, typer.Option(metavar="N", help="After faults that pass.  [default: 4]")
    ] = None
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A configuration file instead of the user's."),
    ] = None
    transcript: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Append every question and answer, a line of JSON each."),
    ] = None
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Ask even what was asked before.")
    ] = False

    def flags(self) -> dict[str, Any]:
        """For `rewardlang.llm.settings.settings`."""
        return {
            "base_url": self.base_url,
            "model": self.model,
            "api_key": self.api_key,
            "provider": None if self.provider is ProviderName.AUTO else str(self.provider),
            "constrain": None if self.constrain is Constrain.AUTO else str(self.constrain),
            "timeout": self.timeout,
            "retries": self.retries,
            "temperature": self.temperature,
        }

    def given(self) -> list[str]:
        """The options that were given, as they are written."""
        said = (field.name for field in fields(self) if getattr(self, field.name) != field.default)
        return [f"--{name.replace('_', '-')}" for name in said]


def asks_model(*, constrained: bool = True) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the fields of `Asked` as options, and what they say as the argument `asked`.

    `constrained`: whether it can hold answers to a grammar.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        options = _options(constrained)
        own = inspect.signature(command, eval_str=True)
        parameters = [p for p in own.parameters.values() if p.name != "asked"] + options

        @functools.wraps(command)
        def run(**given: Any) -> None:
            said = {option.name: given.pop(option.name) for option in options}
            command(**given, asked=Asked(**said))

        del run.__wrapped__  # typer would look for the annotations there
        run.__annotations__ = {p.name: p.annotation for p in parameters}
        # Typer reads it.
        run.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
        return run

    return decorate


def _options(constrained: bool) -> list[inspect.Parameter]:
    hints = get_type_hints(Asked, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=hints[field.name],
        )
        for field in fields(Asked)
        if constrained or field.name != "constrain"
    ]


def language_model(asked: Asked, tell: Callable[[str], None]) -> LanguageModel | None:
    """The LanguageModel that options, environment and configuration name; None for none of them.

    Exits with what is wrong in them, and where options are for an endpoint that nothing names.
    """
    from rewardlang.llm.settings import SettingsError, settings

    try:
        chosen = settings(asked.flags(), os.environ, asked.config)
    except SettingsError as error:
        fail(str(error))
    if chosen is None and (given := asked.given()):
        fail(
            f"{' and '.join(given)} {'is' if len(given) == 1 else 'are'} given, but no endpoint: "
            "--base-url URL or --model NAME names one"
        )
    if chosen is None:
        return None
    return _connected(asked, chosen, tell)


def needed_model(asked: Asked, tell: Callable[[str], None]) -> LanguageModel:
    """As `language_model`; exits where none is named."""
    model = language_model(asked, tell)
    if model is None:
        fail(
            "this needs a language model: --base-url URL or REWARDLANG_BASE_URL names an "
            "OpenAI-compatible endpoint, --model its model. `rewardlang serve-local` starts a "
            "small one on this machine"
        )
    return model


def _connected(asked: Asked, chosen: Any, tell: Callable[[str], None]) -> LanguageModel:
    from rewardlang.generation.cache import CachedModel, cache_folder
    from rewardlang.generation.transcript import RecordedModel
    from rewardlang.llm.client import Client

    model: LanguageModel = Client(chosen, tell)
    if not asked.no_cache:
        sampling = {"temperature": chosen.temperature, "constrain": str(asked.constrain)}
        model = CachedModel(model, cache_folder(), sampling)
    if asked.transcript:
        _try_to_append(asked.transcript)
        model = RecordedModel(model, asked.transcript)
    return model


def _try_to_append(file: Path) -> None:
    """A transcript that cannot be written is no reason to lose a paid answer: it is said before."""
    try:
        with file.open("a", encoding="utf-8"):
            pass
    except OSError as error:
        fail(f"cannot write {file}: {(error.strerror or str(error)).lower()}")
