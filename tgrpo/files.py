"""Files that are whole or not there, also after a kill, a power cut or on a full disk."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

UNFINISHED = ".part"  # suffix of what a killed process may leave; never read
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class DiskFullError(OSError):
    """There is no room for a file; says which, where, and how much is asked for."""


def replace_file(path: Path, write: Callable[[Path], object], *, size: int | None = None) -> None:
    """Let `write` fill a temporary file beside `path`, then put it in place at once, durably.

    When this returns the file survives a power cut; until then the old one stands. `size`: bytes
    that are about to be written, for the message of a full disk. Raises DiskFullError, OSError.
    """
    with telling_of_room(path, size):
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=UNFINISHED)
        os.close(handle)
        temporary = Path(name)
        try:
            write(temporary)
            temporary.chmod(0o644)  # mkstemp's default would hide a shared cache from other users
            _to_disk(temporary)
            os.replace(temporary, path)
        except BaseException:  # Ctrl-C too leaves no half-written file
            temporary.unlink(missing_ok=True)
            raise
        _to_disk(path.parent)


def link_file(source: Path, path: Path) -> None:
    """`path` becomes another name of the file `source`; a copy where there are no hard links."""
    if path.exists() and path.samefile(source):
        return  # the system call that replaces a name by itself does nothing

    def link(temporary: Path) -> None:
        temporary.unlink()
        try:
            os.link(source, temporary)
        except OSError:
            shutil.copyfile(source, temporary)

    replace_file(path, link, size=source.stat().st_size)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """`value` as JSON at `path`, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """`text` at `path`, whole or not at all; folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = text.encode("utf-8")
    replace_file(path, lambda temporary: temporary.write_bytes(content), size=len(content))


def sweep(folder: Path) -> None:
    """Remove what killed processes left unfinished below `folder`; nobody else may write there."""
    for path in folder.rglob(f"*{UNFINISHED}"):
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def telling_of_room(path: Path, size: int | None = None) -> Iterator[None]:
    """What fails inside because there is no room for `path` raises DiskFullError."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        needed = "" if size is None else f" {_megabytes(size)} are needed for this file,"
        free = _megabytes(shutil.disk_usage(path.parent).free)
        raise DiskFullError(
            f"{path}: {(error.strerror or 'no room').lower()}:{needed} {free} are free there"
        ) from None


def _to_disk(path: Path) -> None:
    """What was written to a file, or which names a folder has, survives a power cut from now on."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems cannot sync a folder
            raise
    finally:
        os.close(handle)


def _megabytes(size: int) -> str:
    return f"{size / 2**20:.3g} MB"
