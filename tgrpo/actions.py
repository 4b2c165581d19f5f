"""Actions as tokens: OpenVLA's discretisation of [-1, 1] into 256 bins. numpy only.

OpenVLA (`ActionTokenizer`) digitises a clipped action against `linspace(-1, 1, 256)`: 256 edges,
hence 255 intervals, and a 256th bin that only an action of exactly 1.0 (or above) falls into.
Token 32000 - v - 1 in its vocabulary is bin v here, so

    bin 0    <-> OpenVLA token 31999   [-1, -0.992)    the lowest action
    bin 254  <-> OpenVLA token 31745   [0.992, 1)
    bin 255  <-> OpenVLA token 31744   exactly 1.0     decodes to the same centre as bin 254

Bins ascend with the action; OpenVLA's token ids descend. Log-probs are kept by token, never by
action value, because two tokens decode to the highest one. The gripper is the seventh dimension
and is discretised like the others: LIBERO's command depends on its sign alone. An action of
exactly 0 keeps decoding to exactly 0 (bin 127), which the OSC controller treats as "keep the
orientation goal".
"""

from __future__ import annotations

import numpy as np

from tgrpo.trajectory import ACTION_DIM

NUM_BINS = 256
BIN_WIDTH = 2.0 / (NUM_BINS - 1)  # distance of two edges; half of it bounds the rounding error
OPENVLA_VOCABULARY = 32000  # without OpenVLA's 64 padding tokens

_EDGES = np.linspace(-1.0, 1.0, NUM_BINS)
_CENTRES = (_EDGES[:-1] + _EDGES[1:]) / 2.0  # (255,)


def encode(actions: np.ndarray) -> np.ndarray:
    """Actions (..., 7) to bins (..., 7), int64 in [0, 256). Values outside [-1, 1] are clipped.

    Raises ValueError for another last dimension and for NaN, which has no bin.
    """
    actions = np.asarray(actions, dtype=np.float64)
    _check_last_dimension(actions)
    if np.isnan(actions).any():
        raise ValueError("an action is NaN: it has no token")
    return np.digitize(np.clip(actions, -1.0, 1.0), _EDGES).astype(np.int64) - 1


def decode(tokens: np.ndarray) -> np.ndarray:
    """Bins (..., 7) in [0, 256) to bin centres (..., 7), float64 in [-0.996, 0.996].

    Raises ValueError for a token outside [0, 256) or another last dimension.
    """
    tokens = np.asarray(tokens)
    _check_last_dimension(tokens)
    if tokens.size and (tokens.min() < 0 or tokens.max() >= NUM_BINS):
        raise ValueError(f"tokens must lie in [0, {NUM_BINS}), got {tokens.min()}…{tokens.max()}")
    return _CENTRES[np.clip(tokens, 0, NUM_BINS - 2)]


def split_actions(tokens: np.ndarray) -> np.ndarray:
    """Tokens (..., 7 K) of K actions, one after the other, to those of each (..., K, 7).

    Raises ValueError where the last dimension holds no whole number of actions.
    """
    tokens = np.asarray(tokens)
    if tokens.ndim == 0 or tokens.shape[-1] % ACTION_DIM:
        raise ValueError(
            f"the last dimension must be a multiple of {ACTION_DIM}, got shape {tokens.shape}"
        )
    return tokens.reshape(*tokens.shape[:-1], -1, ACTION_DIM)


def to_openvla(tokens: np.ndarray) -> np.ndarray:
    """Bins in [0, 256) to OpenVLA's vocabulary ids, 31999 … 31744."""
    return OPENVLA_VOCABULARY - 1 - np.asarray(tokens)


def from_openvla(ids: np.ndarray) -> np.ndarray:
    """OpenVLA's vocabulary ids 31744 … 31999 to bins in [0, 256)."""
    return OPENVLA_VOCABULARY - 1 - np.asarray(ids)


def _check_last_dimension(array: np.ndarray) -> None:
    if array.ndim == 0 or array.shape[-1] != ACTION_DIM:
        raise ValueError(f"the last dimension must be {ACTION_DIM}, got shape {array.shape}")
