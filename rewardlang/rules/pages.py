"""A page per code: what it means, a program that has it, a program that has not, what to do.

Prose and programs stand in `<code>.md` beside this module. Severity and the one-line meaning come
from the table of codes, and what `check` says of a wrong program from checking it.

A program stands in a block fenced as `rewardlang`. `line=9` behind that word (or `line=3,9`) marks
the lines on which it has the code, `scene=SUITE/TASK` hands over another scene than its own, and
`goalless` takes the scene's goal away.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from rewardlang.api import Analysis, analyze
from rewardlang.checking.names import nearest
from rewardlang.diagnostics import CODES, render
from rewardlang.scene import load

MOST_SUGGESTIONS = 3

_PROGRAM = re.compile(r"^```rewardlang\b(?P<marks>.*)\n(?P<text>[\s\S]*?)^```$", re.MULTILINE)


class UnknownCodeError(LookupError):
    """A code that does not exist. `near` holds what was probably meant."""

    def __init__(self, name: str, near: Sequence[str]):
        super().__init__(name)
        self.name = name
        self.near = tuple(near)


@dataclass(frozen=True)
class Example:
    """A program of a page. lines: where it has the page's code, from 1; none in a right one."""

    text: str
    lines: tuple[int, ...] = ()
    scene: str = ""
    goalless: bool = False

    def analysis(self) -> Analysis:
        """The example, checked as the page says."""
        scene = load(self.scene) if self.scene else None
        if self.goalless:
            own = analyze(self.text).scene
            assert own is not None
            scene = own.model_copy(update={"goal": ()})
        return analyze(self.text, name="example.rl", scene=scene)


def examples(code: str) -> tuple[Example, ...]:
    """The programs of a code's page, in order. Raises UnknownCodeError."""
    return tuple(map(_example, _PROGRAM.finditer(source(code))))


def page(code: str) -> str:
    """The page as Markdown, with what `check` says of its programs. Raises UnknownCodeError."""
    body = _PROGRAM.sub(_shown, source(code))
    row = CODES[code]
    return f"# {code}\n\n**{row.severity.value.capitalize()}.** {row.summary}\n\n{body}"


def prose(code: str) -> str:
    """Why a code matters and what to do, without the programs. Raises UnknownCodeError."""
    return source(code).partition("\n## ")[0].strip()


def source(code: str) -> str:
    """What is written about a code, as it is written. Raises UnknownCodeError."""
    if code not in CODES:
        raise UnknownCodeError(code, nearest(code, CODES)[:MOST_SUGGESTIONS])
    return resources.files("rewardlang.rules").joinpath(f"{code}.md").read_text("utf-8")


def _example(block: re.Match[str]) -> Example:
    words = block["marks"].split()
    given = dict(word.split("=", 1) for word in words if "=" in word)
    lines = tuple(int(number) for number in given.get("line", "").split(",") if number)
    return Example(block["text"], lines, given.get("scene", ""), "goalless" in words)


def _shown(block: re.Match[str]) -> str:
    """A program as a page shows it: its lines marked, and what is said of it below."""
    example = _example(block)
    if not example.lines:
        return f"```rewardlang\n{example.text}```"
    analysis = example.analysis()
    said = render(analysis.diagnostics, analysis.source)
    marked = " ".join(map(str, example.lines))
    return (
        f'```rewardlang hl_lines="{marked}"\n{example.text}```\n\n'
        f"`rewardlang check` says:\n\n```text\n{said}\n```"
    )
