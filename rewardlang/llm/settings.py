"""Which endpoint and model: flags before environment before the user's configuration file.

A file in the working folder is not read: a stranger's repository could otherwise send the user's
key wherever it likes. For the same reason the key in OPENAI_API_KEY goes to OpenAI's own endpoint
and to OPENAI_BASE_URL alone, and a key in the file to the endpoint that the file names.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import platformdirs
from pydantic import (
    AnyHttpUrl,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    field_validator,
)

from rewardlang.checking.names import nearest
from rewardlang.llm.model import Method
from rewardlang.llm.providers import Provider

OPENAI_URL = "https://api.openai.com/v1"
PREFIX = "REWARDLANG_"
_TABLE = "endpoint"
_WEB_ADDRESS = TypeAdapter(AnyHttpUrl)


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
    timeout: float = Field(default=300.0, gt=0, le=86_400)  # s, for a whole answer
    retries: int = Field(default=4, ge=0, le=20)
    temperature: float | None = Field(default=None, ge=0, le=2)  # None: the endpoint's own

    @field_validator("base_url")
    @classmethod
    def _is_web_address(cls, url: str) -> str:
        if not url.startswith(("http://", "https://")):
            raise ValueError("it starts with http:// or https://, and usually ends in /v1")
        if "?" in url or "#" in url:
            raise ValueError("it has no part behind `?` or `#`; it usually ends in /v1")
        try:
            _WEB_ADDRESS.validate_python(url)
        except ValidationError as error:
            raise ValueError(error.errors()[0]["msg"]) from None  # the rest repeats the address
        return url.rstrip("/")

    @field_validator("api_key")
    @classmethod
    def _can_be_sent(cls, key: SecretStr | None) -> SecretStr | None:
        """A header's text; the line's end that comes with a key from a file is no part of it."""
        text = key.get_secret_value().strip() if key else ""
        if not (text.isascii() and text.isprintable()):
            raise ValueError("it holds characters that no key has")
        return SecretStr(text) if text else None

    @property
    def address(self) -> str:
        """The endpoint as it may be shown: `base_url` without a name and password in it."""
        parts = urlsplit(self.base_url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

    @property
    def login(self) -> tuple[str, str] | None:
        """The name and the password in `base_url`."""
        parts = urlsplit(self.base_url)
        named = parts.username is not None
        return (unquote(parts.username or ""), unquote(parts.password or "")) if named else None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown."""
        key = self.api_key.get_secret_value() if self.api_key else ""
        parts = urlsplit(self.base_url)
        named = parts.netloc.rpartition("@")[0]
        return (key, named, parts.password or "", *(self.login or ())[1:])


def config_file() -> Path:
    """Where the user's configuration file is looked for."""
    return Path(platformdirs.user_config_dir("rewardlang")) / "config.toml"


def settings(
    flags: Mapping[str, Any], environment: Mapping[str, str], config: Path | None = None
) -> Settings | None:
    """The settings; None where neither an endpoint nor a model is named anywhere.

    `flags`: by the names of `Settings`, None where not given. `config`: a configuration file to
    read instead of the user's. Raises SettingsError.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    in_file, wrong = _from_file(config)
    found: dict[str, tuple[Any, str]] = {
        **in_file,
        **_from_environment(environment),
        **{name: (value, f"--{name.replace('_', '-')}") for name, value in given.items()},
    }
    if found.get("api_key") is in_file.get("api_key") and _url(found) != _url(in_file):
        found.pop("api_key", None)  # the file's key belongs to the file's endpoint
    if "api_key" not in found:
        found |= _openai_key(found, environment)
    try:
        chosen = Settings(**{name: value for name, (value, _) in found.items()})
    except ValidationError as error:
        wrong += _problems(error, found)
    if wrong:
        raise SettingsError("\n".join(wrong))
    return chosen if "base_url" in found or "model" in found else None


def _from_environment(environment: Mapping[str, str]) -> dict[str, tuple[Any, str]]:
    found: dict[str, tuple[Any, str]] = {}
    if url := environment.get("OPENAI_BASE_URL"):
        found["base_url"] = (url, "OPENAI_BASE_URL")
    for name in Settings.model_fields:
        variable = f"{PREFIX}{name.upper()}"
        if value := environment.get(variable):
            found[name] = (value, variable)
    return found


def _openai_key(
    found: Mapping[str, tuple[Any, str]], environment: Mapping[str, str]
) -> dict[str, tuple[Any, str]]:
    """OPENAI_API_KEY, where the endpoint is the one whose key it is."""
    key = environment.get("OPENAI_API_KEY")
    owners = (OPENAI_URL, environment.get("OPENAI_BASE_URL", "").rstrip("/"))
    return {"api_key": (key, "OPENAI_API_KEY")} if key and _url(found) in owners else {}


def _url(found: Mapping[str, tuple[Any, str]]) -> str:
    """The endpoint that these settings name."""
    return str(found["base_url"][0] if "base_url" in found else OPENAI_URL).rstrip("/")


def _from_file(config: Path | None) -> tuple[dict[str, tuple[Any, str]], list[str]]:
    """What a configuration file says, and what is wrong with it as such."""
    file = config or config_file()
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}, [f"{file}: there is no such file"] if config else []
    except OSError as error:
        return {}, [f"{file}: {(error.strerror or str(error)).lower()}"]
    except ValueError as error:  # no UTF-8, or no TOML
        return {}, [f"{file}: this is no TOML: {error}"]
    table = tables.pop(_TABLE, {})
    wrong = [f"{file}: unknown table [{name}]; there is [{_TABLE}]" for name in tables]
    if not isinstance(table, dict):
        return {}, [*wrong, f"{file}: `{_TABLE}` is no table; write [{_TABLE}] and a line for each"]
    return {name: (value, f"{file}, [{_TABLE}] {name}") for name, value in table.items()}, wrong


def _problems(error: ValidationError, found: Mapping[str, tuple[Any, str]]) -> Iterable[str]:
    for problem in error.errors(include_input=False):
        name = str(problem["loc"][0])
        where = found[name][1]
        if problem["type"] == "extra_forbidden":
            known = nearest(name, Settings.model_fields) or list(Settings.model_fields)
            yield f"{where}: there is no such setting; there is {', '.join(known)}"
        else:
            yield f"{where}: {problem['msg'].removeprefix('Value error, ').lower()}"
