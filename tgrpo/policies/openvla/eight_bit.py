"""Frozen linear layers in eight bits: half of the memory that bfloat16 takes.

The weights alone: each output has a scale, its largest weight over 127 (LLM.int8(), arXiv
2208.07339, equation 2, without its int8 products: activations and sums stay in the precision that
is computed in). A matrix is made again at each use, forward and backward, one at a time, which
takes longer than reading it in bfloat16: this is for cards that are too small otherwise.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

_LARGEST = 127


class EightBitLinear(nn.Linear):
    """`weight` (outputs, inputs) int8 and `scale` (outputs,) float32 in place of a `Linear`'s."""

    scale: nn.Parameter

    @classmethod
    def like(cls, linear: nn.Linear) -> EightBitLinear:
        """Of the same size, without weights."""
        bias = linear.bias is not None
        layer = cls(linear.in_features, linear.out_features, bias=bias, device="meta")
        layer.put(linear.weight)
        return layer

    def put(self, weight: Tensor) -> None:
        """Hold `weight` as nearly as eight bits can."""
        whole, scale = quantised(weight)
        self.weight = nn.Parameter(whole, requires_grad=False)
        self.scale = nn.Parameter(scale, requires_grad=False)

    def restored(self) -> Tensor:
        """The matrix that is computed with, float32."""
        return self.weight.float() * self.scale[:, None]

    def forward(self, input: Tensor) -> Tensor:
        product: Tensor = _Product.apply(input, self.weight, self.scale)  # type: ignore[no-untyped-call]  # torch's
        return product if self.bias is None else product + self.bias


def eight_bit(network: nn.Module, *, but: frozenset[str]) -> None:
    """Replace every `Linear` of `network`, which has no weights yet, `but` those of these names."""
    for name, module in list(network.named_modules()):
        if isinstance(module, nn.Linear) and name not in but:
            parent, _, last = name.rpartition(".")
            setattr(network.get_submodule(parent), last, EightBitLinear.like(module))


def whole_weight(network: nn.Module, name: str) -> Tensor:
    """The parameter of that name, put together where it is held in eight bits."""
    path, _, parameter = name.rpartition(".")
    module = network.get_submodule(path)
    if isinstance(module, EightBitLinear) and parameter == "weight":
        return module.restored()
    return network.get_parameter(name)


def quantised(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Whole numbers (outputs, inputs) int8 and scales (outputs,); a row of zeros has scale 0."""
    scale = weight.float().abs().amax(dim=1) / _LARGEST
    whole = (weight.float() / scale.clamp_min(torch.finfo(torch.float32).tiny)[:, None]).round()
    return whole.to(torch.int8), scale


class _Product(torch.autograd.Function):
    """input · weightᵀ · scale. Whole numbers to 127 are exact in bfloat16, so only the sum is
    rounded. What is kept for the gradient are the eight bits.
    """

    @staticmethod
    def forward(ctx: Any, input: Tensor, weight: Tensor, scale: Tensor) -> Tensor:
        ctx.save_for_backward(weight, scale)
        return functional.linear(input, weight.to(input.dtype)) * scale.to(input.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (gradient,), (weight, scale) = gradients, ctx.saved_tensors
        return (gradient * scale.to(gradient.dtype)) @ weight.to(gradient.dtype), None, None
