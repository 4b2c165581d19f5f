"""OpenVLA as a policy: a frozen checkpoint that all share, and an adapter of its own.

It sees one camera and the instruction, no state. What it learns is in the adapter alone, and so is
what a checkpoint of ours holds, beside the name of the published one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tgrpo import actions as bins
from tgrpo.config import OpenVLAConfig
from tgrpo.policies.base import check_noise, token_log_probs
from tgrpo.policies.observations import Observations
from tgrpo.policies.openvla.adapter import Adapter, is_fresh
from tgrpo.policies.openvla.backbone import Backbone, backbone_of
from tgrpo.policies.openvla.decoding import Prefix
from tgrpo.policies.openvla.eight_bit import whole_weight
from tgrpo.policies.openvla.images import CAMERA
from tgrpo.policies.openvla.saving import new_folder, save_pretrained
from tgrpo.policies.openvla.statistics import from_libero, to_libero
from tgrpo.trajectory import Camera, Images, TaskContext


class OpenVLAPolicy:
    """See `tgrpo.policies.base.Policy`. Raises CheckpointError."""

    kind = "openvla"
    cameras: tuple[Camera, ...] = (CAMERA,)
    chunk = 1

    def __init__(
        self, config: OpenVLAConfig, *, seed: int = 0, backbone: Backbone | None = None
    ) -> None:
        """Equal seeds give bitwise equal adapters; a new one changes nothing yet.

        `backbone`: one that is there, in place of the checkpoint that `config` names.
        """
        backbone = backbone or backbone_of(config)
        self._set(config, backbone, backbone.slots.fresh(seed))

    def _set(self, config: OpenVLAConfig, backbone: Backbone, adapter: Adapter | None) -> None:
        self.config, self._backbone, self._adapter = config, backbone, adapter
        self.cameras, self.chunk = backbone.eyes.cameras, backbone.decoding.chunk

    @property
    def device(self) -> torch.device:
        return self._backbone.network.device

    @property
    def hidden_width(self) -> int:
        return self._backbone.network.shapes.language.width

    def sampler(self) -> OpenVLASampler:
        return OpenVLASampler(self.config, self._backbone, self._frozen_adapter())

    def hidden(self, context: TaskContext, seen: Observations) -> Tensor:
        before = self._look(context, seen)
        return self._backbone.decoding.hidden(self._backbone.network, before).float()

    def action_logits(self, context: TaskContext, seen: Observations, tokens: Tensor) -> Tensor:
        before = self._look(context, seen)
        return self._backbone.decoding.action_logits(self._backbone.network, before, tokens)

    def log_probs(
        self, context: TaskContext, seen: Observations, tokens: Tensor, *, temperature: float
    ) -> Tensor:
        logits = self.action_logits(context, seen, tokens)
        return token_log_probs(logits, tokens, temperature=temperature)

    def encode(self, context: TaskContext, actions: np.ndarray) -> np.ndarray:
        statistics = self._backbone.statistics(context.suite)
        return bins.encode(statistics.normalise(from_libero(actions)))

    def reference(self) -> OpenVLAPolicy:
        """Without an adapter, where nothing was learnt yet; else with a frozen copy of it."""
        policy = object.__new__(OpenVLAPolicy)
        policy._set(self.config, self._backbone, self._frozen_adapter())
        return policy

    @property
    def resolution(self) -> float:
        """The relative rounding of what it computes in."""
        return torch.finfo(self._backbone.network.dtype).eps

    def check_weights(self) -> None:
        """Raise CheckpointError unless the frozen weights are the files'."""
        self._backbone.check_weights()

    def architecture(self) -> dict[str, Any]:
        return self.config.model_dump(mode="json")

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """The adapter's alone."""
        yield from (self._adapter or {}).items()

    def parameters(self) -> Iterator[nn.Parameter]:
        yield from (self._adapter or {}).values()

    def state_dict(self) -> dict[str, Tensor]:
        return {name: tensor.detach() for name, tensor in self.named_parameters()}

    @torch.no_grad()
    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take over the adapter in `state`. Raises KeyError for another one's."""
        for name, tensor in self.named_parameters():
            tensor.copy_(state[name])

    def to(self, device: str | torch.device) -> OpenVLAPolicy:
        """It is on the GPU where there is one, and stays where it is."""
        assert torch.device(device).type == self.device.type
        return self

    def chains(self) -> list[tuple[nn.Module, Sequence[nn.Module]]]:
        """See `tgrpo.training.sharding.Shardable`."""
        self._backbone.slots.wear(None)  # the blocks are those of all policies, an adapter is not
        return self._backbone.network.chains()

    def save_adapter(self, folder: Path) -> Path:
        """The adapter in peft's own format. Raises FileExistsError, DiskFullError, OSError."""
        slots = self._backbone.slots
        slots.wear(self._adapter)
        slots.peft.active_peft_config.base_model_name_or_path = self.config.checkpoint
        with new_folder(folder) as unfinished:
            slots.peft.save_pretrained(str(unfinished))
        return folder

    def save_merged(self, folder: Path) -> Path:
        """The whole network with its adapter added, in the published layout. See `saving`."""
        return save_pretrained(self._merged, self._backbone.published, folder)

    def _merged(self, name: str) -> Tensor:
        slots, layer = self._backbone.slots, name.removesuffix(".weight")
        weight = whole_weight(self._backbone.network, slots.frozen_name(name))
        if self._adapter is None or layer == name:
            return weight
        return weight.float() + slots.difference(layer, self._adapter).to(weight.device)

    def _frozen_adapter(self) -> Adapter | None:
        if self._adapter is None or is_fresh(self._adapter):
            return None
        return self._backbone.slots.adapter(self._adapter, trainable=False)

    def _look(self, context: TaskContext, seen: Observations) -> Prefix:
        learning = torch.is_grad_enabled() and any(p.requires_grad for p in self.parameters())
        images = {name: frames.cpu().numpy() for name, frames in seen.images.items()}
        robot = seen.robot.cpu().numpy()
        return self._backbone.look(self._adapter, context, robot, images, learning=learning)


class OpenVLASampler:
    """See `tgrpo.policies.base.Sampler`. Pickled, it is its configuration and adapter: the frozen
    weights are found anew, or not at all where they are loaded already.
    """

    cameras: tuple[Camera, ...] = (CAMERA,)
    chunk = 1

    def __init__(self, config: OpenVLAConfig, backbone: Backbone, adapter: Adapter | None) -> None:
        self._config, self._backbone, self._adapter = config, backbone, adapter
        self.cameras, self.chunk = backbone.eyes.cameras, backbone.decoding.chunk

    @torch.no_grad()
    def sample(
        self,
        context: TaskContext,
        robot: np.ndarray,
        objects: np.ndarray,  # noqa: ARG002 - a sampler's; it sees no state
        *,
        temperature: float,
        uniforms: np.ndarray | None = None,
        images: Images | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        assert images is not None, "it asks for a camera"
        check_noise(temperature, uniforms, len(robot), self.chunk)
        before = self._backbone.look(self._adapter, context, robot, images, learning=False)
        noise = None if uniforms is None else torch.from_numpy(uniforms).to(before.mask.device)
        tokens, log_probs = self._backbone.decoding.sample(
            self._backbone.network, before, temperature=temperature, uniforms=noise
        )
        return tokens.cpu().numpy(), log_probs.cpu().numpy()

    def decode(self, context: TaskContext, tokens: np.ndarray) -> np.ndarray:
        """Raises StatisticsError for a suite that the checkpoint has no statistics of."""
        return to_libero(self._backbone.statistics(context.suite).unnormalise(bins.decode(tokens)))

    def __reduce__(self) -> tuple[Any, ...]:
        tensors = {name: tensor.detach().cpu() for name, tensor in (self._adapter or {}).items()}
        return _unpickled, (self._config, tensors)


def _unpickled(config: OpenVLAConfig, tensors: Mapping[str, Tensor]) -> OpenVLASampler:
    backbone = backbone_of(config)
    adapter = backbone.slots.adapter(tensors, trainable=False) if tensors else None
    return OpenVLASampler(config, backbone, adapter)
