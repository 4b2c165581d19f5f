"""What arrays a batch takes: a mistake in kind or shape says what was expected instead."""

from __future__ import annotations

from rewardlang.runtime.arrays import Array, arrays_of

_KINDS = {
    "floats": ("float16", "float32", "float64"),
    "integers": ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    "truth values": ("bool",),
}


def check_values(values: Array, width: int, *, episodes: bool) -> None:
    """Snapshots (N, width), or those of whole episodes (N, T + 1, width)."""
    shape = tuple(values.shape) if _is_array(values) else ()
    form = f"(N, T + 1, {width})" if episodes else f"(N, {width})"
    fits = len(shape) == 2 + episodes and shape[-1] == width and shape[len(shape) - 2] > 0
    _check("the values of N snapshots", values, "floats", form, fits)


def check_memory(slots: Array, values: Array, count: int) -> None:
    """Memories (count, N) for `values` (N, width)."""
    _alike("the memories", slots, values)
    _check_shape("the slots of N memories", slots, "floats", (count, len(values)))


def check_running(running: Array | None, values: Array) -> None:
    """Which of N episodes go on (N,), for `values` (N, width)."""
    if running is not None:
        _alike("running", running, values)
        _check_shape("running", running, "truth values", (len(values),))


def check_lengths(lengths: Array | None, values: Array) -> None:
    """Steps of N episodes (N,), for `values` (N, T + 1, width)."""
    if lengths is None:
        return
    _alike("lengths", lengths, values)
    _check_shape("lengths", lengths, "integers", (len(values),))
    longest = values.shape[1] - 1
    if len(values) and not bool(((lengths >= 0) & (lengths <= longest)).all()):
        found = f"{int(lengths.min())} to {int(lengths.max())}"
        raise ValueError(f"lengths are from 0 to T = {longest} here, not {found}")


def _check_shape(what: str, array: Array, kind: str, shape: tuple[int, ...]) -> None:
    _check(what, array, kind, str(shape), tuple(array.shape) == shape)


def _check(what: str, array: Array, kind: str, form: str, fits: bool) -> None:
    arrays_of(array)
    found = str(array.dtype).removeprefix("torch.")
    if not fits or found not in _KINDS[kind]:
        raise ValueError(f"{what} are {kind} {form} here, not {found} {tuple(array.shape)}")


def _alike(what: str, array: Array, values: Array) -> None:
    expected, found = arrays_of(values).name, arrays_of(array).name
    if found != expected:
        raise TypeError(
            f"{what} are an array of {expected} here, as the values are, not of {found}"
        )


def _is_array(values: object) -> bool:
    return hasattr(values, "shape")
