"""Actions <-> tokens: OpenVLA's discretisation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from tgrpo.actions import BIN_WIDTH, NUM_BINS, decode, encode, from_openvla, to_openvla

finite_actions = array_shapes(max_dims=2).flatmap(
    lambda shape: arrays(np.float64, (*shape, 7), elements=st.floats(-1.0, 1.0))
)


def row(value: float) -> np.ndarray:
    return np.full(7, value)


@given(finite_actions)
def test_round_trip_stays_within_half_a_bin(actions: np.ndarray) -> None:
    tokens = encode(actions)
    assert tokens.dtype == np.int64
    assert tokens.shape == actions.shape
    assert ((tokens >= 0) & (tokens < NUM_BINS)).all()
    assert np.abs(decode(tokens) - actions).max() <= BIN_WIDTH / 2 + 1e-12


@given(finite_actions)
def test_bins_ascend_with_the_action(actions: np.ndarray) -> None:
    flat = np.sort(actions.ravel())[: actions.size // 7 * 7].reshape(-1, 7)
    assert (np.diff(encode(flat).ravel()) >= 0).all()


def test_every_bin_but_the_last_survives_decoding() -> None:
    tokens = np.repeat(np.arange(NUM_BINS)[:, None], 7, axis=1)
    again = encode(decode(tokens))
    assert (again[:-1] == tokens[:-1]).all()
    assert (again[-1] == NUM_BINS - 2).all()  # the two highest bins share a centre


@pytest.mark.parametrize(
    ("action", "openvla_id"), [(-1.0, 31999), (0.0, 31872), (0.999, 31745), (1.0, 31744)]
)
def test_openvla_ids_descend_from_31999(action: float, openvla_id: int) -> None:
    assert (to_openvla(encode(row(action))) == openvla_id).all()
    assert (from_openvla(np.full(7, openvla_id)) == encode(row(action))).all()


def test_tokens_31744_and_31745_are_the_same_action() -> None:
    highest, next_highest = (decode(from_openvla(np.full(7, v))) for v in (31744, 31745))
    assert (highest == next_highest).all()
    assert highest[0] == pytest.approx(1 - BIN_WIDTH / 2)


def test_zero_stays_exactly_zero() -> None:
    # The OSC controller keeps its orientation goal only where the rotation command is exactly 0.
    assert (decode(encode(row(0.0))) == 0.0).all()


def test_what_lies_outside_is_clipped() -> None:
    assert (encode(row(7.0)) == encode(row(1.0))).all()
    assert (encode(row(-7.0)) == encode(row(-1.0))).all()


def test_mistakes_are_named() -> None:
    with pytest.raises(ValueError, match=r"last dimension must be 7, got shape \(2, 6\)"):
        encode(np.zeros((2, 6)))
    with pytest.raises(ValueError, match="NaN"):
        encode(row(float("nan")))
    with pytest.raises(ValueError, match=r"tokens must lie in \[0, 256\), got 256…256"):
        decode(np.full(7, 256))
