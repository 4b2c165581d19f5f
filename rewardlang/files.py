"""Programs in files: finding, reading and replacing them."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from rewardlang.diagnostics import Diagnostic
from rewardlang.source import Source, Span

SUFFIX = ".rl"
STDIN = Path("-")

Problem = tuple[Source, Diagnostic]
"""A diagnostic with the text it is about; for a file without readable text, an empty one."""


def read_programs(paths: Iterable[Path]) -> tuple[list[tuple[Path, Source]], list[Problem]]:
    """The files among `paths` and every `.rl` file below the folders, and what cannot be read."""
    programs: list[tuple[Path, Source]] = []
    problems: list[Problem] = []
    for path in paths:
        below = [path]
        if path.is_dir():
            below = sorted(file for file in path.rglob(f"*{SUFFIX}") if not file.is_dir())
        if not below:
            problems.append(_unreadable(path, f"there is no {SUFFIX} file in this folder"))
        for file in below:
            read = read_program(file)
            if not isinstance(read, Source):
                problems.append(read)
            elif file not in (known for known, _ in programs):
                programs.append((file, read))
    return programs, problems


def read_program(path: Path) -> Source | Problem:
    """A program's text under its path; from standard input where that is `-`."""
    try:
        data = sys.stdin.buffer.read() if path == STDIN else path.read_bytes()
    except IsADirectoryError:
        return _unreadable(path, "this is a folder; one program is asked for")
    except OSError as error:
        return _unreadable(path, (error.strerror or str(error)).lower())
    name = "<stdin>" if path == STDIN else str(path)
    try:
        return Source(data.decode("utf-8-sig"), name)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"this is not UTF-8 text: byte 0x{data[error.start]:02x} in line {line}"
        return Source("", name), Diagnostic("not-utf8", message, Span(0, 0))


def write_whole(path: Path, content: str | bytes) -> None:
    """Replace a file at once: whoever reads it sees the old content or the new, never a part.

    What is no file, such as a pipe or /dev/null, is written to and stays what it is. Raises
    OSError, and leaves nothing behind then.
    """
    data = content.encode() if isinstance(content, str) else content
    if path.exists() and not path.is_file():
        path.write_bytes(data)
        return
    target = path.resolve()
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, target.stat().st_mode if target.exists() else 0o644)
        os.replace(temporary, target)
    except BaseException:  # Ctrl-C too leaves nothing behind
        os.unlink(temporary)
        raise


def why_not_writable(path: Path) -> str:
    """What `write_whole` would fail with; "" where it would not. Nothing is left behind."""
    if path.is_dir():
        return "it is a folder"
    if path.exists() and not path.is_file():
        return "" if os.access(path, os.W_OK) else "permission denied"
    target = path.resolve()
    try:
        with tempfile.TemporaryFile(dir=target.parent):
            return ""
    except OSError as error:
        return (error.strerror or str(error)).lower()


def is_same_file(path: Path, other: Path) -> bool:
    """Whether what is written to one replaces the other; never of what is no file, as a pipe."""
    is_file = path.is_file() or not path.exists()
    return is_file and path != STDIN and os.path.realpath(path) == os.path.realpath(other)


def _unreadable(path: Path, why: str) -> Problem:
    return Source("", str(path)), Diagnostic("unreadable-file", why, Span(0, 0))
