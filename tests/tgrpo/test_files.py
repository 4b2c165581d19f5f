"""Whole or not there: durable writes, links, and what a full disk says."""

from __future__ import annotations

import errno
import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tgrpo.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from tgrpo.files import (
    DiskFullError,
    link_file,
    replace_file,
    sweep,
    telling_of_room,
    write_json,
    write_text,
)


@pytest.fixture
def room() -> Iterator[int]:
    """No file may become larger than this many bytes: as good as a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    yield 100_000
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def test_text_without_room_leaves_the_old_text_and_no_other_file(tmp_path: Path, room: int) -> None:
    path = tmp_path / "config.toml"
    write_text(path, "old")
    with pytest.raises(DiskFullError) as caught:
        write_text(path, "x" * (2 * room))
    assert path.read_text() == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["config.toml"]
    assert str(caught.value).startswith(f"{path}: file too large: 0.191 MB are needed for this")
    assert re.search(r"[\d.e+]+ MB are free there$", str(caught.value))


def test_a_checkpoint_without_room_leaves_the_old_one(tmp_path: Path, room: int) -> None:
    path = tmp_path / "last.safetensors"
    write_checkpoint(path, Checkpoint("tiny", {}, {"a": torch.ones(3)}, {}))
    with pytest.raises(DiskFullError, match=r"last\.safetensors: file too large: 0\.763 MB are"):
        write_checkpoint(path, Checkpoint("tiny", {}, {"a": torch.ones(2 * room)}, {}))
    assert torch.equal(read_checkpoint(path).tensors["a"], torch.ones(3))
    assert [item.name for item in tmp_path.iterdir()] == ["last.safetensors"]


def test_other_errors_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(PermissionError, match="no"), telling_of_room(tmp_path / "x"):
        raise PermissionError(errno.EACCES, "no")


def test_a_link_is_the_file_and_outlives_its_first_name(tmp_path: Path) -> None:
    first, second = tmp_path / "iteration-1", tmp_path / "best"
    first.write_text("one")
    second.write_text("before")
    link_file(first, second)
    assert os.path.samefile(first, second)
    first.unlink()
    assert second.read_text() == "one"
    assert [item.name for item in tmp_path.iterdir()] == ["best"]


def test_where_there_are_no_links_a_copy_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    first, second = tmp_path / "iteration-1", tmp_path / "best"
    first.write_text("one")
    link_file(first, second)
    assert second.read_text() == "one"
    assert not os.path.samefile(first, second)


def test_a_killed_writer_leaves_the_old_file_and_what_can_be_swept(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "results.json"
    write_json(path, {"old": 1})
    script = (
        "import os, signal, sys; from pathlib import Path; from tgrpo.files import replace_file\n"
        "def write(path):\n"
        "    path.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)\n"
        "replace_file(Path(sys.argv[1]), write)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_text() == '{\n  "old": 1\n}\n'
    assert len(list(path.parent.iterdir())) == 2
    sweep(tmp_path)
    assert [item.name for item in path.parent.iterdir()] == ["results.json"]


def test_a_writer_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def write(_: Path) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replace_file(tmp_path / "a", write)
    assert list(tmp_path.iterdir()) == []
