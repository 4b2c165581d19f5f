"""Sources of hyper-parameters, laid over each other, to one configuration; and back to TOML.

Later ones win: defaults, preset, `--config FILE`, named options, `--set NAME=VALUE`. `resolve`
checks the result and reports every mistake of every source at once.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tgrpo.config import Section, TrainConfig

NONE = "none"  # stands for "no value" in TOML, which has no word for it
MOST_NAMES = 3  # proposed for a name that does not exist


@dataclass(frozen=True, slots=True)
class ConfigMistake:
    """One thing wrong with a configuration: where it came from, which name, what about it."""

    origin: str
    name: str
    message: str

    def __str__(self) -> str:
        return (
            f"{self.origin}: {self.name}: {self.message}"
            if self.name
            else (f"{self.origin}: {self.message}")
        )


class ConfigError(ValueError):
    """A configuration with mistakes: all of them, in `mistakes`."""

    def __init__(self, mistakes: Sequence[ConfigMistake]):
        super().__init__("\n".join(str(mistake) for mistake in mistakes))
        self.mistakes = tuple(mistakes)


@dataclass(frozen=True, slots=True)
class Layer:
    """Values of one source by dotted name; `origin` is what messages call the source."""

    origin: str
    values: Mapping[str, Any]
    mistakes: tuple[ConfigMistake, ...] = ()


def presets() -> tuple[str, ...]:
    """Names of the presets in the package."""
    folder = resources.files("tgrpo") / "presets"
    return tuple(sorted(Path(item.name).stem for item in folder.iterdir() if _is_toml(item.name)))


def _is_toml(name: str) -> bool:
    return name.endswith(".toml")


def preset_layer(name: str) -> Layer:
    """The preset called `name`; an unknown name is a mistake in the layer."""
    if name not in presets():
        near = _near(name, presets())
        meant = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(presets())}"
        message = f"unknown preset {name!r}; {meant}"
        return Layer("--preset", {}, (ConfigMistake("--preset", "", message),))
    text = (resources.files("tgrpo") / "presets" / f"{name}.toml").read_text(encoding="utf-8")
    return Layer(f"preset {name}", dict(flatten(tomllib.loads(text))))


def file_layer(path: Path) -> Layer:
    """A user's TOML file; what cannot be read is a mistake in the layer."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Layer(str(path), {}, (ConfigMistake("--config", "", f"no file {path}"),))
    except OSError as error:
        message = f"cannot be read: {(error.strerror or str(error)).lower()}"
        return Layer(str(path), {}, (ConfigMistake(str(path), "", message),))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return Layer(str(path), {}, (ConfigMistake(str(path), "", f"not a TOML file: {error}"),))
    return Layer(str(path), dict(flatten(values)))


def settings_layer(settings: Sequence[str]) -> Layer:
    """`--set NAME=VALUE` options; VALUE is read as TOML, anything else is a string."""
    values: dict[str, Any] = {}
    mistakes = []
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or not name.strip():
            message = "write NAME=VALUE, for example learner.learning_rate=1e-4"
            mistakes.append(ConfigMistake(f"--set {setting}", "", message))
        else:
            values[name.strip()] = _toml_value(text.strip())
    return Layer("--set", values, tuple(mistakes))


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested tables to (dotted name, value), in the order of the file."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def nest(values: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of `flatten`."""
    tree: dict[str, Any] = {}
    for name, value in values.items():
        *sections, last = name.split(".")
        table = tree
        for section in sections:
            table = table.setdefault(section, {})
        table[last] = value
    return tree


def resolve(layers: Sequence[Layer]) -> TrainConfig:
    """The configuration that `layers` make, later ones winning. Raises ConfigError."""
    known = dict(parameters())
    mistakes = [mistake for layer in layers for mistake in layer.mistakes]
    merged: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for layer in layers:
        for name, value in layer.values.items():
            if name in known:
                merged[name] = None if value == NONE else value
                origins[name] = layer.origin
            else:
                mistakes.append(ConfigMistake(layer.origin, name, _unknown(name, known)))
    try:
        config = TrainConfig.model_validate(nest(merged))
    except ValidationError as error:
        mistakes.extend(_invalid(details, origins) for details in error.errors())
        raise ConfigError(mistakes) from None
    if mistakes:
        raise ConfigError(mistakes)
    return config


def parameters(model: type[BaseModel] = TrainConfig, prefix: str = "") -> Iterator[tuple[str, str]]:
    """(dotted name, description) of every hyper-parameter, in order of declaration."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            yield from parameters(kind, f"{prefix}{name}.")
        else:
            yield prefix + name, field.description or ""


def _unknown(name: str, known: Mapping[str, str]) -> str:
    section = [item for item in known if item.startswith(f"{name}.")]
    if section:
        return f"is a section; set one of {', '.join(section)}"
    if near := _near(name, tuple(known)):
        return f"no such hyper-parameter; did you mean {' or '.join(near)}?"
    nearest = ", ".join(difflib.get_close_matches(name, known, n=MOST_NAMES, cutoff=0.0))
    return f"no such hyper-parameter; nearest are {nearest}; tgrpo parameters lists them all"


def _near(name: str, known: Sequence[str]) -> list[str]:
    """Names that are spelt alike or abbreviated by `name`'s last part, best first."""
    last = name.rpartition(".")[2]
    ends = {item: item.rpartition(".")[2] for item in known}
    near = [item for item, end in ends.items() if "".join(w[0] for w in end.split("_")) == last]
    near += [item for item, end in ends.items() if difflib.get_close_matches(last, [end], 1, 0.75)]
    near += difflib.get_close_matches(name, known, n=MOST_NAMES, cutoff=0.8)
    near.sort(key=lambda item: item.rpartition(".")[0] != name.rpartition(".")[0])
    return list(dict.fromkeys(near[:MOST_NAMES]))


def _invalid(details: ErrorDetails, origins: Mapping[str, str]) -> ConfigMistake:
    # Pydantic adds an index or a union's member to the place: the known name is its longest prefix.
    parts = [str(part) for part in details["loc"]]
    while parts and ".".join(parts) not in origins:
        parts.pop()
    name = ".".join(parts)
    said = details["msg"].replace("Input should be", "must be").removeprefix("Value error, ")
    message = f"{said}, got {details['input']!r}"
    return ConfigMistake(origins.get(name, "configuration"), name, message)


def as_toml(config: TrainConfig, *, explain: bool = False) -> str:
    """The resolved configuration as TOML that `--config` reads back."""
    import tomlkit  # of the extra `train`: the doctor reads configurations without it

    meaning = dict(parameters()) if explain else {}
    document = tomlkit.document()
    values = flatten(config.model_dump(mode="json"))
    for name, value in sorted(values, key=lambda item: "." in item[0]):  # tables come last
        section, _, key = name.rpartition(".")
        table = document.setdefault(section, tomlkit.table()) if section else document
        entry = tomlkit.item(NONE if value is None else value)
        if meaning.get(name):
            entry.comment(meaning[name])
        table[key] = entry
    return tomlkit.dumps(document)
