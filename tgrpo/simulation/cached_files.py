"""The files of compiled models: where they are, who is making one, and which go when room is short.

    models/VERSIONS/SUITE/TASK-DIGEST.SUFFIX

The digest is that of the BDDL file. Files with the same name but for the suffix are one entry: they
count, and go, together. An entry is only ever a copy of what can be made again, so removing one
needs no permission of its readers: who finds a file gone makes it anew.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from tgrpo.files import UNFINISHED
from tgrpo.libero_package import cache_folder, versions

CACHE_FORMAT = 3
LIMIT_VARIABLE = "TGRPO_CACHE_GB"
DEFAULT_LIMIT_GB = 4.0  # the 130 state-only models take 0.5
GIB = 1 << 30

_NAME = re.compile(r"(?P<stem>.+-[0-9a-f]{16})(\..*)?")


class CacheLimitError(ValueError):
    """The bound that the user set is no number of gigabytes."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The files of one compiled model. `used`: seconds since the epoch, of the last reading."""

    version: str
    stem: Path
    files: tuple[Path, ...]
    size: int  # bytes
    used: float

    @property
    def stale(self) -> bool:
        """Made under other versions than those installed: nothing reads it any more."""
        return self.version != current_version()


def models_folder() -> Path:
    return cache_folder() / "models"


def current_version() -> str:
    """Name of the folder of what is made with the installed versions."""
    named = [f"{name}-{number}" for name, number in sorted(versions().items())]
    return "_".join([f"format-{CACHE_FORMAT}", *named])


def version_folder() -> Path:
    return models_folder() / current_version()


def size_limit() -> int:
    """Bytes that all entries may take together: `$TGRPO_CACHE_GB`. Raises CacheLimitError."""
    text = os.environ.get(LIMIT_VARIABLE) or str(DEFAULT_LIMIT_GB)
    with contextlib.suppress(ValueError):
        if 0.0 < float(text) < math.inf:
            return int(float(text) * GIB)
    raise CacheLimitError(
        f"{LIMIT_VARIABLE}={text}: a number of gigabytes above 0 is asked for, such as "
        f"{LIMIT_VARIABLE}={DEFAULT_LIMIT_GB:g}"
    )


def entries() -> tuple[Entry, ...]:
    """What is there, in the order in which it goes: stale first, then what was used longest ago."""
    groups: dict[Path, list[Path]] = {}
    for path in models_folder().rglob("*"):
        named = _NAME.fullmatch(path.name)
        if named is not None and path.is_file():
            groups.setdefault(path.with_name(named["stem"]), []).append(path)
    found = (_entry(stem, sorted(files)) for stem, files in groups.items())
    return tuple(sorted(found, key=lambda entry: (not entry.stale, entry.used, entry.stem)))


def _entry(stem: Path, files: list[Path]) -> Entry:
    size, used = 0, 0.0
    for path in files:
        with contextlib.suppress(FileNotFoundError):  # another process removes it just now
            seen = path.stat()
            size, used = size + seen.st_size, max(used, seen.st_mtime)
    return Entry(stem.relative_to(models_folder()).parts[0], stem, tuple(files), size, used)


def mark_used(path: Path) -> None:
    """An entry of which `path` is a file was read just now."""
    with contextlib.suppress(OSError):  # somebody else's, or on a disk that is only read
        os.utime(path)


def make_room(*, keep: Path) -> None:
    """Remove entries, but not `keep`, until all are within the limit. Raises CacheLimitError."""
    found, limit = entries(), size_limit()
    total = sum(entry.size for entry in found)
    for entry in found:
        if total <= limit:
            return
        if entry.stem != keep:
            remove(entry)
            total -= entry.size


def remove(entry: Entry) -> None:
    """Readers look for the JSON first, so it goes first."""
    for path in sorted(entry.files, key=lambda path: path.suffix != ".json"):
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def being_made(stem: Path) -> Iterator[None]:
    """One process at a time makes an entry; the others wait here.

    The kernel lets go of the lock of a process that dies. What such a process left unfinished is
    removed. On file systems without locks several may make the same; each file is put in place
    whole, so that costs time alone.
    """
    lock = cache_folder() / "locks" / f"{stem.parent.name}-{stem.name}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(NotImplementedError):
            stack.enter_context(FileLock(lock))
            for path in stem.parent.glob(f"{stem.name}*{UNFINISHED}"):
                path.unlink(missing_ok=True)
        yield
