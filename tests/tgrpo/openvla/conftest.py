"""What the tests of OpenVLA read: the tiny checkpoint and what the original code made of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.tgrpo.openvla.tiny_checkpoint import GOLDEN, make_checkpoint
from tgrpo.policies.openvla.loading import load_network
from tgrpo.policies.openvla.network import OpenVLANetwork
from tgrpo.policies.openvla.published import Published, open_published


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that no test changes."""
    return make_checkpoint(tmp_path_factory.mktemp("openvla") / "tiny", words=["bowl", "open"])


@pytest.fixture(scope="session")
def published(checkpoint: Path) -> Published:
    return open_published(checkpoint)


@pytest.fixture(scope="session")
def network(published: Published) -> OpenVLANetwork:
    """In float32. No test changes it."""
    return load_network(published, device=torch.device("cpu"), dtype=torch.float32)


@pytest.fixture(scope="session")
def golden() -> Mapping[str, np.ndarray]:
    with np.load(GOLDEN / "golden.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="session")
def pixels(golden: Mapping[str, np.ndarray]) -> torch.Tensor:
    return torch.from_numpy(golden["pixel_values"]).float()
