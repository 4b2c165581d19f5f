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
from torch import Tensor

from tgrpo.checkpoint import CheckpointError
from tgrpo.config import OpenVLAConfig
from tgrpo.openvla_shapes import Shapes
from tgrpo.policies.devices import default_device
from tgrpo.policies.openvla import names
from tgrpo.policies.openvla.adapter import Adapter, Slots
from tgrpo.policies.openvla.decoding import (
    ONE_BY_ONE,
    Prefix,
    TokenDecoding,
    prefix,
)
from tgrpo.policies.openvla.eight_bit import quantised
from tgrpo.policies.openvla.eyes import Eyes
from tgrpo.policies.openvla.hub import local_folder
from tgrpo.policies.openvla.images import CAMERA, TOWERS, WRIST, Normalisation, towers_of
from tgrpo.policies.openvla.loading import load_network
from tgrpo.policies.openvla.network import OpenVLANetwork
from tgrpo.policies.openvla.parallel import ParallelDecoding
from tgrpo.policies.openvla.prompt import aligned
from tgrpo.policies.openvla.proprioception import StateProjector, read_projector, robot_state
from tgrpo.policies.openvla.published import Published, open_published
from tgrpo.policies.openvla.statistics import (
    STATE_DIM,
    ActionStatistics,
    StatisticsError,
    statistics_key,
)
from tgrpo.trajectory import Images, TaskContext

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
    decoding: TokenDecoding = ONE_BY_ONE
    projector: StateProjector | None = None  # of what it is told of the robot

    def look(
        self,
        adapter: Adapter | None,
        context: TaskContext,
        robot: np.ndarray,
        images: Images,
        *,
        learning: bool,
    ) -> Prefix:
        """What comes before the action, of robots (B, 9) and of images (B, H, W, 3) uint8, seen
        through `adapter`.

        `learning`: with gradient checkpointing; the network is left as it is needed to go on.
        """
        self.slots.wear(adapter)
        if self.network.training != learning:  # a walk through thousands of modules
            self.network.train(learning)
        device = self.network.device
        prompts = aligned([self.published.tokenizer.ids(context.instruction)] * len(robot))
        state = None if self.projector is None else self._told(context.suite, robot)
        return prefix(self.network, self.eyes.see(images, device), prompts.to(device), state)

    def _told(self, suite: str, robot: np.ndarray) -> Tensor:
        """What the network is told of robots (B, 9), (B, 1, width)."""
        quantiles = self.statistics(suite).state
        assert quantiles is not None, "checked before it was loaded"
        assert self.projector is not None
        normalised = torch.from_numpy(quantiles.normalise(robot_state(robot)))
        weight = self.projector.fc1.weight
        column: Tensor = self.projector(normalised.to(weight.device, weight.dtype))
        return column

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
    _expect_chunks(published, config)
    for suite in suites:
        key = statistics_key(published.statistics, config.unnorm_key or suite)
        if published.state_projector and published.statistics[key].state is None:
            raise StatisticsError(
                f"no statistics of the robot's state (`proprio`, {STATE_DIM} dimensions) for "
                f"{key!r}, which {published.state_projector.name} asks for"
            )
    return published.shapes


def _expect_chunks(published: Published, config: OpenVLAConfig) -> None:
    """Raise CheckpointError for OpenVLA-OFT's checkpoint where OpenVLA's is asked for."""
    if published.state_projector is not None and config.chunk == 1:
        raise CheckpointError(
            f"{published.folder}: has {published.state_projector.name}, so it is one of "
            "OpenVLA-OFT: --policy openvla-oft:FOLDER"
        )


def _named(config: OpenVLAConfig) -> str:
    if config.checkpoint is None:
        raise ValueError("a policy of OpenVLA needs the name of a checkpoint")
    return config.checkpoint


@lru_cache(maxsize=1)  # the reference of a resumed run, and a test after it, have the same one
def _load(folder: Path, config: OpenVLAConfig, device: torch.device) -> Backbone:
    published = open_published(folder)
    _expect_chunks(published, config)
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
    cameras = (CAMERA, WRIST) if config.wrist else (CAMERA,)
    eyes = Eyes(towers, cameras, crop=config.center_crop)
    decoding = ONE_BY_ONE if config.chunk == 1 else ParallelDecoding(config.chunk)
    projector = _projector(published, network)
    return Backbone(published, network, slots, eyes, config.unnorm_key, decoding, projector)


def _projector(published: Published, network: OpenVLANetwork) -> StateProjector | None:
    if published.state_projector is None:
        return None
    projector = read_projector(published.state_projector, published.shapes.language.width)
    return projector.to(network.device, network.dtype)


def _towers(folder: Path) -> tuple[Normalisation, ...]:
    path = folder / _PREPROCESSOR
    if not path.is_file():
        return TOWERS
    try:
        return towers_of(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path}: states no normalisation of images: {error!r}") from None
