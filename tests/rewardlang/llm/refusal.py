"""What the tests of faults and answers ask, and how a refusal must read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from rewardlang.llm.client import Client
from rewardlang.llm.model import EndpointError, Message, Question
from tests.rewardlang.llm.misbehaving import (
    KEY,
    saying,
)

QUESTION = Question((Message("user", "what is to be done?"),), max_tokens=50)
GOOD = saying("a good answer")

Connect = Callable[..., Client]


@contextmanager
def refused(*parts: str, lasting: bool) -> Iterator[None]:
    """The block ends in an EndpointError that says all of this, and never the key."""
    with pytest.raises(EndpointError) as caught:
        yield
    message = str(caught.value)
    for part in parts:
        assert part in message
    assert KEY not in message
    assert KEY[:12] not in message
    assert "\n" not in message
    assert len(message) < 700
    assert caught.value.lasting is lasting
