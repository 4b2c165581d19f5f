"""Program text -> its file, which an edit of the user's keeps unless told otherwise."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from rewardlang.files import write_whole


class WriteError(ValueError):
    """A file that cannot, or must not, be written; the message says what to do."""


class Written(StrEnum):
    NEW = "new"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"  # the file held this very text already


_KEPT = (
    "{path} exists{differs}, so it is left as it is; --force replaces it, --out writes elsewhere"
)


def refuse_existing(path: Path) -> None:
    """Raise WriteError where there is a file already, before anything is paid for a new one."""
    if path.exists():
        raise WriteError(_KEPT.format(path=path, differs=""))


def write(path: Path, text: str, *, force: bool) -> Written:
    """Write `text` so that `path` is, at any time, its old content or its new one.

    A file with other content is replaced only with `force`. Raises WriteError.
    """
    try:
        old = path.read_bytes() if path.exists() else None
        if old == text.encode():
            return Written.UNCHANGED
        if old is not None and not force:
            raise WriteError(_KEPT.format(path=path, differs=" and differs from the new program"))
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text)
    except OSError as error:
        raise WriteError(f"cannot write {path}: {error.strerror or error}") from error
    return Written.NEW if old is None else Written.REPLACED
