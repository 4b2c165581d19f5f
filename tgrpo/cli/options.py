"""Command-line options to a configuration: the named ones, `--set`, presets and files."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tgrpo.config import OFT_CHUNK, OpenVLAConfig, TrainConfig
from tgrpo.layers import (
    ConfigError,
    ConfigMistake,
    Layer,
    file_layer,
    preset_layer,
    resolve,
    settings_layer,
)

# option -> the hyper-parameter it sets
NAMED = {
    "rewards": "rewards",
    "suite": "tasks.suite",
    "task": "tasks.names",
    "policy": "policy.kind",
    "seed": "seed",
    "algorithm": "algorithm",
    "group_size": "rollout.group_size",
    "groups_per_iteration": "rollout.groups_per_iteration",
    "iterations": "iterations",
    "workers": "workers",
    "backend": "backend",
    "address": "address",
    "run_dir": "run_dir",
    "stepper": "stepper",
    "start_from": "start_from",
    "log": "log",
}
_TINY = ("tiny", "tiny-vision")
_PUBLISHED = ("openvla", "openvla-oft")  # by a folder, or an id on the hub
DEFAULT_PRESET = "quickstart"
_PRESETS = dict.fromkeys(_PUBLISHED, "openvla")  # where other policies start
_WHY = {
    "quickstart": "what fits a machine without a GPU policy",
    "openvla": "what fits a policy of 7B parameters that was fine-tuned before",
}


@dataclass(frozen=True, slots=True)
class Resolved:
    """A configuration and what to say of the preset below it."""

    config: TrainConfig
    preset: str


def resolve_options(
    named: Mapping[str, Any],
    *,
    preset: str | None = None,
    config_file: Path | None = None,
    settings: Sequence[str] = (),
    demos: str | None = None,
) -> Resolved:
    """The configuration of a command. Options that were not given are None. Raises ConfigError."""
    text = preset or "none"
    if preset is None and config_file is None:
        kind = (named.get("policy") or "").partition(":")[0]
        preset = _PRESETS.get(kind, DEFAULT_PRESET)
        text = f"{preset} ({_WHY[preset]}; others: --preset)"
    layers = option_layers(
        named, preset=preset, config_file=config_file, settings=settings, demos=demos
    )
    return Resolved(resolve(layers), text)


def option_layers(
    named: Mapping[str, Any],
    *,
    preset: str | None = None,
    config_file: Path | None = None,
    settings: Sequence[str] = (),
    demos: str | None = None,
) -> list[Layer]:
    """What the options of a command say, and nothing else; later layers win."""
    return [
        *([preset_layer(preset)] if preset else []),
        *([file_layer(config_file)] if config_file else []),
        _option_layer(named),
        _demos_layer(demos),
        settings_layer(settings),
    ]


def _option_layer(named: Mapping[str, Any]) -> Layer:
    values = {NAMED[name]: value for name, value in named.items() if value not in (None, ())}
    mistakes: tuple[ConfigMistake, ...] = ()
    if (policy := values.pop("policy.kind", None)) is not None:
        mistakes = tuple(_policy_mistakes(policy))
        values |= {} if mistakes else policy_values(policy)
    if "tasks.names" in values:
        # Who names tasks wants all of these, whatever suite and limit a preset had in mind.
        values = {"tasks.limit": None, "tasks.suite": None, **values}
    return Layer("options", values, mistakes)


def published_policy(policy: str, settings: Sequence[str]) -> OpenVLAConfig:
    """The checkpoint that `tgrpo eval --policy openvla:PATH` names. Raises ConfigError."""
    layers = option_layers({"policy": policy}, settings=settings)
    config = resolve(layers)
    foreign = [name for name in layers[-1].values if not name.startswith("openvla.")]
    if foreign:
        message = "decides nothing in an evaluation, where only openvla.… does"
        raise ConfigError([ConfigMistake("--set", name, message) for name in foreign])
    if config.policy.kind != "openvla":
        message = f"a {config.policy.kind} policy is evaluated by its checkpoint: tgrpo eval FILE"
        raise ConfigError([ConfigMistake("options", "--policy", message)])
    expect_checkpoint(config)
    return config.openvla


def expect_checkpoint(config: TrainConfig) -> None:
    """Raise ConfigError where a policy of OpenVLA is asked for, and nothing says which."""
    unnamed = config.openvla.checkpoint is None and config.start_from is None
    if config.policy.kind == "openvla" and unnamed:
        message = "which one? --policy openvla:FOLDER, or its id on the Hugging Face hub"
        raise ConfigError([ConfigMistake("options", "openvla.checkpoint", message)])


def _policy_mistakes(policy: str) -> Iterator[ConfigMistake]:
    kind, colon, _ = policy.partition(":")
    if kind not in (*_TINY, *_PUBLISHED):
        near = difflib.get_close_matches(kind, (*_TINY, *_PUBLISHED), n=1)
        meant = f"; did you mean {near[0]}?" if near else ""
        forms = ", ".join((*_TINY, *(f"{name}:PATH" for name in _PUBLISHED)))
        message = f"no such policy; there are {forms}{meant}"
        yield ConfigMistake(f"--policy {policy}", "", message)
    elif colon and kind in _TINY:
        message = f"{kind} is no published checkpoint; one of a run is taken by --from FILE"
        yield ConfigMistake(f"--policy {policy}", "", message)


def policy_values(policy: str) -> dict[str, Any]:
    """`--policy tiny`, or `--policy openvla:PATH`, or `--policy openvla-oft:PATH`."""
    kind, colon, checkpoint = policy.partition(":")
    if kind == "openvla-oft":
        return {**policy_values(f"openvla:{checkpoint}"), "openvla.chunk": OFT_CHUNK}
    return {"policy.kind": kind} | ({f"{kind}.checkpoint": checkpoint} if colon else {})


def _demos_layer(demos: str | None) -> Layer:
    """`--demos 10`, or `--demos FILE` with everything in it."""
    if demos is None:
        return Layer("--demos", {})
    if demos.lstrip("-").isdigit():
        values = {"demonstrations.count": int(demos), "demonstrations.file": None}
        return Layer("--demos", values)
    if not Path(demos).exists():
        message = f"{demos} is neither a number of demonstrations nor a file"
        return Layer("--demos", {}, (ConfigMistake("--demos", "", message),))
    return Layer("--demos", {"demonstrations.file": demos, "demonstrations.count": None})
