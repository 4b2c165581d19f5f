"""The registered policies that can be built from nothing, small, and environments to show them.

OpenVLA is made from a checkpoint's files: `openvla/` has its tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tgrpo.policies import KINDS, make_policy
from tgrpo.policies.base import Policy, Sampler
from tgrpo.policies.observations import Observations
from tgrpo.trajectory import Camera, TaskContext

_SMALL: dict[str, Any] = {"width": 32, "head_width": 32, "word_width": 16}
# What is tested -> its kind, and its architecture.
POLICIES: dict[str, tuple[str, dict[str, Any]]] = {
    "tiny": ("tiny", _SMALL),
    "tiny in chunks": ("tiny", {**_SMALL, "chunk": 3}),
    "tiny-vision": ("tiny-vision", {**_SMALL, "image_size": 24}),
    "tiny-vision in chunks": ("tiny-vision", {**_SMALL, "image_size": 24, "chunk": 3}),
}
NAMES = ("alphabet_soup_1", "cream_cheese_1", "salad_dressing_1", "milk_1", "basket_1")
SOUP = TaskContext(
    suite="libero_object",
    task="pick_up_the_alphabet_soup_and_place_it_in_the_basket",
    instruction="pick up the alphabet soup and place it in the basket",
    object_names=NAMES,
    object_categories=tuple(name[:-2] for name in NAMES),
)


@dataclass(frozen=True)
class Scene:
    """B environments as a sampler is shown them."""

    robot: np.ndarray
    objects: np.ndarray
    images: dict[str, np.ndarray]

    def __getitem__(self, rows: list[int]) -> Scene:
        images = {name: image[rows] for name, image in self.images.items()}
        return Scene(self.robot[rows], self.objects[rows], images)


def build(name: str, seed: int = 0) -> Policy:
    tested = {kind for kind, _ in POLICIES.values()}
    assert {*tested, "openvla"} == set(KINDS), "a registered policy is left out of the contracts"
    kind, architecture = POLICIES[name]
    return make_policy(kind, seed=seed, architecture=architecture)


def scene(
    cameras: tuple[Camera, ...], batch: int, *, seed: int = 0, objects: int = len(NAMES)
) -> Scene:
    rng = np.random.default_rng(seed)
    robot = rng.normal(0.0, 0.2, size=(batch, 9)).astype(np.float32)
    poses = rng.normal(0.0, 0.2, size=(batch, objects, 7)).astype(np.float32)
    shape = {camera.name: (batch, *camera.shape) for camera in cameras}
    images = {name: rng.integers(0, 256, size, dtype=np.uint8) for name, size in shape.items()}
    return Scene(robot, poses, images)


def noise(batch: int, seed: int = 1, chunk: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).random((batch, 7 * chunk))


def sample(
    sampler: Sampler,
    context: TaskContext,
    shown: Scene,
    temperature: float = 1.0,
    uniforms: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    images = shown.images or None
    return sampler.sample(
        context,
        shown.robot,
        shown.objects,
        temperature=temperature,
        uniforms=uniforms,
        images=images,
    )


def score(
    policy: Policy, context: TaskContext, shown: Scene, tokens: np.ndarray, temperature: float = 1.0
) -> np.ndarray:
    with torch.no_grad():
        chosen = torch.from_numpy(tokens)
        return policy.log_probs(context, seen(shown), chosen, temperature=temperature).numpy()


def logits(policy: Policy, context: TaskContext, shown: Scene, tokens: np.ndarray) -> Tensor:
    with torch.no_grad():
        return policy.action_logits(context, seen(shown), torch.from_numpy(tokens))


def seen(shown: Scene) -> Observations:
    return Observations.of(shown.robot, shown.objects, shown.images)
