"""Φ that rises while success does not is told, once; everything else is not."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from tgrpo.training.suspicion import RISE, WINDOW, Validated, suspicious

SHARES = st.floats(0.0, 1.0)


def history(phi: Sequence[float], success: Sequence[float]) -> list[Validated]:
    return [
        Validated(5 * index, share, value)
        for index, (value, share) in enumerate(zip(phi, success, strict=True))
    ]


def test_rising_phi_without_success_is_told_with_both() -> None:
    text = suspicious(history([0.2, 0.3, 0.4, 0.5, 0.6, 0.7], [0.1] * 6))
    assert text.startswith(
        "warning: since iteration 0 Φ rose from 0.30 to 0.60 in validation while success went from "
        "10% to 10%: "
    )
    assert "rewardlang audit" in text


def test_it_is_told_once_and_again_after_it_had_ended() -> None:
    phi = [0.1 * index for index in range(1, 10)] + [0.1] * 6 + [0.3, 0.5, 0.7]
    seen = history(phi, [0.0] * len(phi))
    told = [end for end in range(1, len(seen) + 1) if suspicious(seen[:end])]
    assert told == [6, 16]  # 0.3 lifts the mean of its half by 0.067


@given(st.lists(st.tuples(SHARES, SHARES), max_size=10), st.integers(2, 10))
def test_rising_success_or_level_phi_never_is(
    values: list[tuple[float, float]], length: int
) -> None:
    rising = history([phi for phi, _ in values], [index / 20 for index in range(len(values))])
    assert suspicious(rising) == ""
    level = history([0.5 + RISE / 3 * (index % 2) for index in range(length)], [0.0] * length)
    assert suspicious(level) == ""


@given(st.lists(st.tuples(SHARES, SHARES), max_size=WINDOW - 1))
def test_a_short_history_never_is(values: list[tuple[float, float]]) -> None:
    seen = history([phi for phi, _ in values], [success for _, success in values])
    assert suspicious(seen) == ""
