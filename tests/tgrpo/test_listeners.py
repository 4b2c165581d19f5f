"""What a person sees of a run while it goes on: lines of a log, and what moves in a terminal."""

from __future__ import annotations

import re
from io import StringIO

import pytest
from rich.console import Console

from tgrpo.cli.listeners import LiveListener, PlainListener, make_listener
from tgrpo.cli.stages import stage_bars
from tgrpo.progress import StageShares, Status

MILK = StageShares(
    "libero_object/pick_up_the_milk_and_place_it_in_the_basket",
    (("reach", 0.125), ("grasp", 0.25), ("lift", 0.0), ("carry", 0.0), ("success", 0.625)),
)
TWO_SOUPS = StageShares(
    "libero_10/both_soups",
    (
        ("alphabet_soup_in_the_basket.reach", 0.125),
        ("alphabet_soup_in_the_basket.lower", 0.125),
        ("tomato_sauce_in_the_basket.reach", 0.25),
        ("tomato_sauce_in_the_basket.close_the_lid_of_the_basket", 0.25),
        ("success", 0.25),
    ),
)


@pytest.fixture
def console() -> Console:
    return Console(file=StringIO(), width=120, highlight=False)


def text_of(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def status(phase: str, done: int = 10) -> Status:
    return Status(phase, done, 200, "control steps", 123.4, 65.0, {"iteration": "3/12"})


def test_a_log_has_a_line_per_phase_and_then_one_now_and_then(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr("tgrpo.cli.listeners.time.monotonic", lambda: clock[0])
    listener = PlainListener(console)
    for second in range(0, 25):
        clock[0] = float(second)
        listener.status(status("train" if second < 22 else "test", second))
    listener.note("iteration 3/12: done")
    lines = text_of(console).splitlines()
    assert [line.split(" · ")[0] for line in lines] == [
        "[00:00] train",
        "[00:10] train",
        "[00:20] train",
        "[00:22] test",
        "[00:24] iteration 3/12: done",
    ]
    assert lines[1] == "[00:10] train · iteration 3/12 · 10/200 at 123 steps/s · about 01:05 left"


def test_a_terminal_gets_a_moving_line_and_a_log_does_not(console: Console) -> None:
    assert isinstance(make_listener(console), PlainListener)
    terminal = Console(file=StringIO(), force_terminal=True, width=120, highlight=False)
    listener = make_listener(terminal)
    assert isinstance(listener, LiveListener)
    with listener:
        listener.status(status("train"))
        listener.note("a note with [brackets]")
    assert "a note with [brackets]" in text_of(terminal)


def test_a_log_names_the_stages_that_arms_came_to(console: Console) -> None:
    PlainListener(console).stages([MILK, TWO_SOUPS])
    first, second = text_of(console).splitlines()
    assert first == (
        "[00:00] furthest stages, pick_up_the_milk_and_place_it_in_the_basket: "
        "reach 12%, grasp 25%, success 62%"
    )
    assert second.startswith(
        "[00:00] furthest stages, both_soups: alphabet_soup_in_the_basket.reach 12%, "
    )


def test_a_terminal_shows_the_stages_of_the_last_iteration_above_the_moving_line() -> None:
    terminal = Console(file=StringIO(), force_terminal=True, width=120, highlight=False)
    with make_listener(terminal) as listener:
        listener.stages([TWO_SOUPS])
        listener.stages([MILK])
        listener.status(Status("train", 10, 200, "control steps", 123.4, 65.0))
    frame = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text_of(terminal)).rpartition("pick up")[2]
    *bars, line = frame.strip().splitlines()
    assert "grasp ▃  25%" in bars[0]
    assert "train · 10/200 at 123 steps/s" in line


@pytest.mark.parametrize("width", [60, 80, 120, 200])
@pytest.mark.parametrize("item", [MILK, TWO_SOUPS])
def test_every_stage_keeps_its_name_and_share_on_one_line_however_narrow_a_terminal_is(
    item: StageShares, width: int
) -> None:
    narrow = Console(file=StringIO(), width=width, highlight=False)
    narrow.print(stage_bars([item]))
    text = text_of(narrow)
    assert max(map(len, text.splitlines())) <= width
    shown = re.findall(r"(\S+) [ ▁-█] +(\d+%)", text)
    assert [share for _, share in shown] == [f"{share:.0%}" for _, share in item.shares]
    assert len(dict(shown)) == len(item.shares)
    assert all(len(name) <= 20 for name, _ in shown)


def test_a_higher_share_never_has_a_lower_bar(console: Console) -> None:
    for percent in range(101):
        console.print(stage_bars([StageShares("s/t", (("success", percent / 100),))]))
    bars = re.findall(r"success ([ ▁-█]) ", text_of(console))
    assert len(bars) == 101
    assert bars == sorted(bars)
    assert (bars[0], bars[1], bars[100]) == (" ", "▁", "█")
