"""Weights of a checkpoint into a network, tensor by tensor: never a second copy."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tgrpo.policies.openvla import names
from tgrpo.policies.openvla.eight_bit import EightBitLinear, eight_bit
from tgrpo.policies.openvla.network import OpenVLANetwork
from tgrpo.policies.openvla.published import Published


def load_network(
    published: Published, *, device: torch.device, dtype: torch.dtype, in_eight_bits: bool = False
) -> OpenVLANetwork:
    """The network with the checkpoint's weights, without gradients; its linear layers' may be held
    `in_eight_bits`, all but the output layer's.

    What is held beside it is one tensor of the file at a time.
    """
    network = OpenVLANetwork.without_weights(published.shapes)
    if in_eight_bits:
        eight_bit(network, but=frozenset({names.OUTPUT_LAYER}))
    places = names.places(published.shapes)
    for shard in published.shards:
        for name, tensor in shard.tensors():
            if (place := places.get(name)) is None:
                continue  # of a part that features do not pass through
            for ours, part in zip(place.ours, names.split(place.form, tensor), strict=True):
                # A copy, because the file's tensors are views of a file that may change.
                _put(network, ours, part.to(device, dtype, copy=True))
    _check_complete(network)
    return network.to(device)  # what is left: buffers computed from the shapes


def _put(network: OpenVLANetwork, name: str, tensor: Tensor) -> None:
    path, _, parameter = name.rpartition(".")
    module = network.get_submodule(path)
    if isinstance(module, EightBitLinear) and parameter == "weight":
        module.put(tensor)
    else:
        setattr(module, parameter, nn.Parameter(tensor, requires_grad=False))


def _check_complete(network: OpenVLANetwork) -> None:
    empty = [name for name, tensor in network.named_parameters() if tensor.is_meta]
    assert not empty, f"parameters that no tensor of a checkpoint fills: {empty}"
