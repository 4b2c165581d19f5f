"""Positions: what an editor counts, and what our spans count."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewardlang.lsp.positions import Encoding, Position, Positions
from rewardlang.source import Span

TEXT = "ab\r\ncafé 🥛 x\n\n東京\rend"
texts = st.text(st.sampled_from("ab é東🥛\u0301\u2028\r\n"), max_size=40) | st.text(max_size=40)
encodings = st.sampled_from(Encoding)


@given(texts, encodings)
def test_offset_to_position_and_back(text: str, encoding: Encoding) -> None:
    positions = Positions(text, encoding)
    for offset in range(len(text) + 1):
        if text[offset - 1 : offset + 1] == "\r\n":
            continue  # no position lies within a line end
        assert positions.offset(positions.position(offset)) == offset


@given(texts, encodings, st.integers(-2, 50), st.integers(-2, 50))
def test_any_position_means_an_offset(text: str, encoding: Encoding, line: int, column: int):
    positions = Positions(text, encoding)
    offset = positions.offset(Position(line, column))
    assert 0 <= offset <= len(text)
    found = positions.position(offset)
    assert found.column <= max(column, 0) or found.line != line


@given(texts)
def test_positions_are_in_the_order_of_offsets(text: str) -> None:
    positions = Positions(text)
    found = [positions.position(offset) for offset in range(len(text) + 1)]
    assert found == sorted(found)


@pytest.mark.parametrize(
    ("encoding", "milk", "x"),
    [(Encoding.UTF8, 6, 11), (Encoding.UTF16, 5, 8), (Encoding.UTF32, 5, 7)],
)
def test_columns_count_units_of_the_encoding(encoding: Encoding, milk: int, x: int) -> None:
    positions = Positions(TEXT, encoding)
    assert positions.position(TEXT.index("🥛")) == Position(1, milk)
    assert positions.position(TEXT.index("x")) == Position(1, x)
    span = Span(TEXT.index("🥛"), TEXT.index("x"))
    assert positions.range(span) == (Position(1, milk), Position(1, x))


def test_lines_end_with_each_of_the_three_ends() -> None:
    positions = Positions(TEXT)
    assert positions.position(TEXT.index("東")) == Position(3, 0)
    assert positions.position(TEXT.index("end")) == Position(4, 0)
    assert positions.position(len(TEXT)) == Position(4, 3)


def test_a_column_within_a_character_or_behind_the_line() -> None:
    positions = Positions(TEXT)
    assert positions.offset(Position(1, 6)) == TEXT.index("🥛")
    assert positions.offset(Position(0, 99)) == 2
    assert positions.offset(Position(99, 0)) == len(TEXT)
