"""LoRA (arXiv 2106.09685) on every linear layer but the output layer, by peft.

An adapter is a table of tensors. The network is shared, and wears one adapter at a time, or none:
the policy that learns, the one it is compared with and the one that acts are the same 15 GB with
different adapters, never a second copy.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn

from tgrpo.policies.openvla.network import OpenVLANetwork

Adapter = Mapping[str, nn.Parameter]  # by layer and matrix: "projector.fc1.lora_A.weight"

_NAME = "default"  # peft's, for the adapter in place
_LAYERS = (  # the last parts of the names of all linear layers but the output layer's
    *("q_proj", "k_proj", "v_proj", "o_proj", "out_proj"),
    *("gate_proj", "up_proj", "down_proj", "fc1", "fc2", "fc3"),
)


class Slots:
    """Where adapters go in a network. The names of its parameters change: see `frozen_name`."""

    def __init__(self, network: OpenVLANetwork, *, rank: int, alpha: int) -> None:
        config = LoraConfig(
            r=rank, lora_alpha=alpha, lora_dropout=0.0, target_modules=list(_LAYERS)
        )
        self.peft: PeftModel = get_peft_model(network, config, low_cpu_mem_usage=True)
        self._device = network.device
        self._layers = {
            name: module
            for name, module in network.named_modules()
            if isinstance(module, LoraLayer)
        }
        self._slots = {
            f"{name}.{matrix}.weight": getattr(layer, matrix)[_NAME]
            for name, layer in self._layers.items()
            for matrix in ("lora_A", "lora_B")
        }
        # On the meta device: an adapter that is not there cannot be computed with by mistake.
        self._nothing = {name: slot.weight for name, slot in self._slots.items()}
        self.worn: Adapter | None = None
        self._switch(on=False)

    def fresh(self, seed: int) -> Adapter:
        """A new adapter, in float32, that changes nothing yet: A is drawn, B is zero."""
        generator = torch.Generator().manual_seed(seed)
        tensors = {}
        for name, like in self._nothing.items():
            tensors[name] = torch.zeros(like.shape)
            if ".lora_A." in name:
                nn.init.kaiming_uniform_(tensors[name], a=math.sqrt(5), generator=generator)
        return self.adapter(tensors, trainable=True)

    def adapter(self, tensors: Mapping[str, Tensor], *, trainable: bool) -> Adapter:
        """An adapter with a copy of `tensors`."""
        return {
            name: nn.Parameter(
                tensor.detach().to(self._device, torch.float32, copy=True), requires_grad=trainable
            )
            for name, tensor in tensors.items()
        }

    def wear(self, adapter: Adapter | None) -> None:
        """From now on the network computes with `adapter`, or without any."""
        if adapter is self.worn:
            return
        if adapter is None or self.worn is None:
            self._place(self._nothing)  # peft changes what is in place when it switches
            self._switch(on=adapter is not None)
        if adapter is not None:
            self._place(adapter)
        self.worn = adapter

    def contexts(self) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        """For gradient checkpointing: what is computed again is so with the adapter of now."""
        return nullcontext(), self._wearing(self.worn)

    def difference(self, layer: str, adapter: Adapter) -> Tensor:
        """What `adapter` adds to the weight of `layer`: scale · B A, float32. Zero without one."""
        if layer not in self._layers:
            return torch.zeros(())
        down, up = (adapter[f"{layer}.lora_{matrix}.weight"] for matrix in "AB")
        return (up @ down) * self._layers[layer].scaling[_NAME]

    def frozen_name(self, name: str) -> str:
        """The parameter that was called `name` before there were slots."""
        layer, _, part = name.rpartition(".")
        return f"{layer}.base_layer.{part}" if layer in self._layers else name

    @contextmanager
    def _wearing(self, adapter: Adapter | None) -> Iterator[None]:
        self.wear(adapter)
        yield

    def _place(self, adapter: Adapter) -> None:
        for name, slot in self._slots.items():
            slot.weight = adapter[name]

    def _switch(self, *, on: bool) -> None:
        for layer in self._layers.values():
            layer.enable_adapters(on)


def is_fresh(adapter: Adapter) -> bool:
    """Nothing was learnt yet: every B is zero, and the network is as it was without it."""
    return not any(tensor.any() for name, tensor in adapter.items() if ".lora_B." in name)
