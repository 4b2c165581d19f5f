"""Weights of a checkpoint into a network, tensor by tensor: never a second copy."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tgrpo.policies.openvla import names
from tgrpo.policies.openvla.network import OpenVLANetwork
from tgrpo.policies.openvla.published import Published


def load_network(
    published: Published, *, device: torch.device, dtype: torch.dtype
) -> OpenVLANetwork:
    """The network with the checkpoint's weights, without gradients.

    What is held beside it is one tensor of the file at a time.
    """
    network = OpenVLANetwork.without_weights(published.shapes)
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
    module, _, parameter = name.rpartition(".")
    setattr(network.get_submodule(module), parameter, nn.Parameter(tensor, requires_grad=False))


def _check_complete(network: OpenVLANetwork) -> None:
    empty = [name for name, tensor in network.named_parameters() if tensor.is_meta]
    assert not empty, f"parameters that no tensor of a checkpoint fills: {empty}"
