"""Which endpoint and model: flags before environment before the user's configuration file.

A file in the working folder is not read: a stranger's repository could otherwise send the user's
key wherever it likes. For the same reason the key in OPENAI_API_KEY goes to OpenAI's own endpoint
and to OPENAI_BASE_URL alone.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from rewardlang.checking.names import nearest
from rewardlang.llm.model import Method
from rewardlang.llm.providers import Provider

OPENAI_URL = "https://api.openai.com/v1"
PREFIX = "REWARDLANG_"
_TABLE = "endpoint"


class SettingsError(ValueError):
    """Settings that cannot be used; the text names every one, where it stands, and why."""


class Settings(BaseModel):
    """An endpoint and how to talk to it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str = OPENAI_URL
    model: str | None = None  # None: the only one that the endpoint offers
    api_key: SecretStr | None = None
    provider: Provider | None = None  # None: found out
    constrain: Method | None = None  # None: the strictest that the endpoint supports
    timeout: float = Field(default=300.0, gt=0)  # s, for a whole answer
    retries: int = Field(default=4, ge=0, le=20)
    temperature: float | None = Field(default=None, ge=0, le=2)  # None: the endpoint's own

    @field_validator("base_url")
    @classmethod
    def _is_web_address(cls, url: str) -> str:
        if not url.startswith(("http://", "https://")):
            raise ValueError("it starts with http:// or https://, and usually ends in /v1")
        return url.rstrip("/")


def config_file() -> Path:
    """Where the user's configuration file is looked for."""
    return Path(platformdirs.user_config_dir("rewardlang")) / "config.toml"


def settings(
    flags: Mapping[str, Any], environment: Mapping[str, str], config: Path | None = None
) -> Settings | None:
    """The settings; None where neither an endpoint nor a model is named anywhere.

    `flags`: by the names of `Settings`, None where not given. `config`: a configuration file to
    read instead of the user's, which may be missing. Raises SettingsError.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    found: dict[str, tuple[Any, str]] = {
        **_from_file(config),
        **_from_environment(environment),
        **{name: (value, f"--{name.replace('_', '-')}") for name, value in given.items()},
    }
    if "base_url" not in found and "model" not in found:
        return None
    try:
        return Settings(**{name: value for name, (value, _) in found.items()})
    except ValidationError as error:
        raise SettingsError("\n".join(_problems(error, found))) from None


def _from_environment(environment: Mapping[str, str]) -> dict[str, tuple[Any, str]]:
    found: dict[str, tuple[Any, str]] = {}
    if url := environment.get("OPENAI_BASE_URL"):
        found["base_url"] = (url, "OPENAI_BASE_URL")
    for name in Settings.model_fields:
        variable = f"{PREFIX}{name.upper()}"
        if value := environment.get(variable):
            found[name] = (value, variable)
    return found


def with_openai_key(chosen: Settings, environment: Mapping[str, str]) -> Settings:
    """The settings with OPENAI_API_KEY where that is whose key it is, and none is given."""
    key = environment.get("OPENAI_API_KEY")
    owners = (OPENAI_URL, environment.get("OPENAI_BASE_URL", OPENAI_URL).rstrip("/"))
    if chosen.api_key is not None or not key or chosen.base_url not in owners:
        return chosen
    return chosen.model_copy(update={"api_key": SecretStr(key)})


def _from_file(config: Path | None) -> dict[str, tuple[Any, str]]:
    file = config or config_file()
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if config is None:
            return {}
        raise SettingsError(f"{file}: there is no such file") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{file}: {error}") from error
    table = tables.get(_TABLE, {})
    if unknown := [name for name in tables if name != _TABLE]:
        raise SettingsError(f"{file}: unknown table [{unknown[0]}]; there is [{_TABLE}]")
    return {name: (value, f"{file}, [{_TABLE}] {name}") for name, value in table.items()}


def _problems(error: ValidationError, found: Mapping[str, tuple[Any, str]]) -> Iterable[str]:
    for problem in error.errors(include_input=False):
        name = str(problem["loc"][0])
        where = found[name][1]
        if problem["type"] == "extra_forbidden":
            known = nearest(name, Settings.model_fields) or list(Settings.model_fields)
            yield f"{where}: there is no such setting; there is {', '.join(known)}"
        else:
            yield f"{where}: {problem['msg'].removeprefix('Value error, ').lower()}"
