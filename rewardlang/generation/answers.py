"""What of a model's answer is the program."""

from __future__ import annotations

import re

_FENCED = re.compile(r"^[ \t]*```[^\n]*\n(.*?)(?:^[ \t]*```|\Z)", re.DOTALL | re.MULTILINE)
_FENCE = re.compile(r"^[ \t]*```", re.MULTILINE)
_START = re.compile(r"^[ \t]*rewardlang\b", re.MULTILINE)
_HEADER = re.compile(
    r"\A(?P<version>\s*rewardlang\s+1\s+)task\s+\"[^\"\n]*\"\s+scene\s+\"[^\"\n]*\""
)


def without_thoughts(answer: str) -> str:
    """What a model says when it has thought; some leave out the tag that begins a thought."""
    return answer.rpartition("</think>")[2].partition("<think>")[0]


def program_in(answer: str) -> str:
    """The program in an answer: the last fenced one, else what begins with `rewardlang`.

    Thoughts, prose and fences around it go; where nothing looks like a program, the whole answer
    comes back, for the parser to say so.
    """
    said = without_thoughts(answer).replace("\r\n", "\n").replace("\r", "\n")
    fenced = [text for text in _FENCED.findall(said) if _START.search(text)]
    text = fenced[-1] if fenced else said
    start = _START.search(text)
    return _FENCE.split(text[start.start() :], 1)[0].strip() + "\n" if start else text


def with_header(text: str, instruction: str, scene_id: str) -> str:
    """The program under the task and scene it was asked for, which are not the model's to say."""
    return _HEADER.sub(
        lambda found: f'{found["version"]}task "{instruction}"\nscene "{scene_id}"', text
    )
