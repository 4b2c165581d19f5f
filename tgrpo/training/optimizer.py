"""AdamW with a warm-up and a bound on the gradient's norm, whose state fits a checkpoint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

import torch
from torch import Tensor, nn

from tgrpo.training.ranks import ALONE, Ranks
from tgrpo.training.shares import sum_gradients


class Rates(Protocol):
    """The hyper-parameters of an optimiser; a section of the configuration has them."""

    @property
    def learning_rate(self) -> float: ...
    @property
    def warmup_steps(self) -> int: ...
    @property
    def weight_decay(self) -> float: ...
    @property
    def max_gradient_norm(self) -> float: ...


class Optimizer:
    """Steps those of the named parameters that take a gradient, which is summed over `ranks`."""

    def __init__(
        self,
        parameters: Iterable[tuple[str, nn.Parameter]],
        rates: Rates,
        ranks: Ranks = ALONE,
    ) -> None:
        self._parameters = {name: item for name, item in parameters if item.requires_grad}
        self._rates, self._ranks = rates, ranks
        self._steps = 0
        self._adam = torch.optim.AdamW(
            self._parameters.values(),
            lr=rates.learning_rate,
            weight_decay=rates.weight_decay,
            fused=True,
        )

    def zero(self) -> None:
        """Forget the gradients."""
        self._adam.zero_grad(set_to_none=True)

    def step(self) -> float:
        """Follow the gradients; returns their norm before it was bounded."""
        sum_gradients(self._parameters.values(), self._ranks)
        norm = torch.nn.utils.clip_grad_norm_(
            self._parameters.values(), self._rates.max_gradient_norm
        )
        self._warm_up()
        self._adam.step()
        return float(norm)

    def _warm_up(self) -> None:
        # Adam's first steps have the full length in every parameter, whatever the gradient: without
        # a warm-up the first update alone leaves the clip's interval in a tenth of its decisions.
        self._steps += 1
        scale = min(1.0, self._steps / max(1, self._rates.warmup_steps))
        for group in self._adam.param_groups:
            group["lr"] = self._rates.learning_rate * scale

    def state_tensors(self) -> dict[str, Tensor]:
        """Moments by `parameter/slot`, and the number of steps."""
        tensors = {"optimizer_steps": torch.tensor(self._steps)}
        for name, parameter in self._parameters.items():
            for slot, value in self._adam.state.get(parameter, {}).items():
                tensors[f"{name}/{slot}"] = torch.as_tensor(value).clone()
        return tensors

    def load_state_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what `state_tensors` gave; other entries are left alone.

        Raises KeyError for the state of other parameters.
        """
        self._steps = int(tensors["optimizer_steps"])
        for key, value in tensors.items():
            name, slash, slot = key.rpartition("/")
            if slash:
                parameter = self._parameters[name]
                self._adam.state[parameter][slot] = value.to(parameter.device, copy=True)
