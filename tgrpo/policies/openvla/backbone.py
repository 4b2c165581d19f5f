"""The frozen part that all policies of one checkpoint share: network, tokenizer, statistics."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from tgrpo.checkpoint import CheckpointError
from tgrpo.config import OpenVLAConfig
from tgrpo.openvla_shapes import Shapes
from tgrpo.policies.openvla import names
from tgrpo.policies.openvla.adapter import Adapter, Slots
from tgrpo.policies.openvla.decoding import Prefix, prefix
from tgrpo.policies.openvla.eight_bit import quantised
from tgrpo.policies.openvla.eyes import Eyes
from tgrpo.policies.openvla.hub import local_folder
from tgrpo.policies.openvla.images import TOWERS, Normalisation, towers_of
from tgrpo.policies.openvla.loading import load_network
from tgrpo.policies.openvla.network import OpenVLANetwork
from tgrpo.policies.openvla.prompt import aligned
from tgrpo.policies.openvla.published import Published, open_published
from tgrpo.policies.openvla.statistics import ActionStatistics, statistics_key

_PREPROCESSOR = "preprocessor_config.json"
_PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "int8": torch.bfloat16}


@dataclass(frozen=True, slots=True, eq=False)
class Backbone:
    """What was loaded, and how it looks at the world. Policies call it in turn."""

    published: Published
    network: OpenVLANetwork
    slots: Slots
    eyes: Eyes
    key: str | None  # data set whose statistics are taken; None: the suite's

    def look(
        self, adapter: Adapter | None, instruction: str, frames: np.ndarray, *, learning: bool
    ) -> Prefix:
        """What comes before the action, of frames (B, H, W, 3) uint8, seen through `adapter`.

        `learning`: with gradient checkpointing; the network is left as it is needed to go on.
        """
        self.slots.wear(adapter)
        self.network.train(learning)
        device = self.network.device
        prompts = aligned([self.published.tokenizer.ids(instruction)] * len(frames))
        return prefix(self.network, self.eyes.see(frames, device), prompts.to(device))

    def statistics(self, suite: str) -> ActionStatistics:
        """Raises StatisticsError."""
        known = self.published.statistics
        return known[statistics_key(known, self.key or suite)]

    def check_weights(self) -> None:
        """Raise CheckpointError unless every tensor is the file's, which is read again."""
        places = names.places(self.published.shapes)
        for shard in self.published.shards:
            for name, tensor in shard.tensors():
                if (place := places.get(name)) is None:
                    continue
                for ours, part in zip(place.ours, names.split(place.form, tensor), strict=True):
                    held = self.network.get_parameter(self.slots.frozen_name(ours))
                    given = part.to(held.device, self.network.dtype)
                    if held.dtype == torch.int8:
                        given, _ = quantised(given)
                    if not torch.equal(held, given):
                        raise CheckpointError(
                            f"{shard.path}: {name} is not what the network holds as {ours}"
                        )


def backbone_of(config: OpenVLAConfig) -> Backbone:
    """Loaded once for policies that differ in their adapters alone.

    Raises CheckpointError, and ValueError where no checkpoint is named.
    """
    folder = local_folder(_named(config))
    device = default_device()
    precision = precision_on(device, config)
    return _load(folder, config.model_copy(update={"precision": precision}), device)


def default_device() -> torch.device:
    """The GPU, where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def precision_on(
    device: torch.device, config: OpenVLAConfig
) -> Literal["float32", "bfloat16", "int8"]:
    """Of the frozen weights there."""
    if config.precision == "auto":
        return "bfloat16" if device.type == "cuda" else "float32"
    return config.precision


def expect_usable(config: OpenVLAConfig, suites: Sequence[str]) -> Shapes:
    """Look for every mistake that can be found without loading a weight; returns the sizes.

    Raises CheckpointError, and StatisticsError for a suite without action statistics.
    """
    published = open_published(local_folder(_named(config)))
    for suite in suites:
        statistics_key(published.statistics, config.unnorm_key or suite)
    return published.shapes


def _named(config: OpenVLAConfig) -> str:
    if config.checkpoint is None:
        raise ValueError("a policy of OpenVLA needs the name of a checkpoint")
    return config.checkpoint


@lru_cache(maxsize=1)  # the reference of a resumed run, and a test after it, have the same one
def _load(folder: Path, config: OpenVLAConfig, device: torch.device) -> Backbone:
    published = open_published(folder)
    towers = _towers(folder)
    precision = precision_on(device, config)
    network = load_network(
        published,
        device=device,
        dtype=_PRECISIONS[precision],
        in_eight_bits=precision == "int8",
    )
    slots = Slots(network, rank=config.lora_rank, alpha=config.lora_alpha)
    how = {"use_reentrant": False, "context_fn": slots.contexts}
    for part in (network.dino, network.siglip, network.language_model):
        part.activation_checkpointing_enable(how)
    eyes = Eyes(towers, crop=config.center_crop)
    return Backbone(published, network, slots, eyes, config.unnorm_key)


def _towers(folder: Path) -> tuple[Normalisation, ...]:
    path = folder / _PREPROCESSOR
    if not path.is_file():
        return TOWERS
    try:
        return towers_of(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path}: states no normalisation of images: {error!r}") from None
