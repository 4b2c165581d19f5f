"""The files of compiled models, without a simulator: order of going, limit, locks, the command."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tgrpo.cli.app import app
from tgrpo.simulation import cached_files
from tgrpo.simulation.cached_files import (
    LIMIT_VARIABLE,
    being_made,
    entries,
    make_room,
    mark_used,
    remove,
    size_limit,
    version_folder,
)

MB = 10**6


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("TGRPO_CACHE", str(tmp_path))
    monkeypatch.delenv(LIMIT_VARIABLE, raising=False)
    return tmp_path


def put(name: str, *, used: float, size: int = 3 * MB, version: str = "") -> Path:
    """An entry of `size` bytes in three files, read `used` seconds after the epoch."""
    folder = version_folder().with_name(version) if version else version_folder()
    stem = folder / "libero_object" / f"{name}-{'0' * 16}"
    stem.parent.mkdir(parents=True, exist_ok=True)
    for suffix in (".json", ".mjb", ".xml.gz"):
        path = stem.with_name(stem.name + suffix)
        path.write_bytes(bytes(size // 3))
        os.utime(path, (used, used))
    return stem


def names() -> list[str]:
    return [entry.stem.name.partition("-")[0] for entry in entries()]


def test_stale_ones_go_first_then_what_was_used_longest_ago():
    put("young", used=300)
    put("old", used=100)
    put("stale", used=400, version="format-1_mujoco-2.3.7")
    put("middle", used=200)
    assert names() == ["stale", "old", "middle", "young"]
    assert [entry.stale for entry in entries()] == [True, False, False, False]
    assert {entry.size for entry in entries()} == {3 * MB}


def test_reading_makes_young():
    old = put("old", used=100)
    put("young", used=200)
    mark_used(old.with_name(old.name + ".json"))
    assert names() == ["young", "old"]


def test_room_is_made_to_the_limit_and_not_beyond(monkeypatch):
    for age, name in enumerate(["a", "b", "c", "d"]):
        put(name, used=age)
    monkeypatch.setenv(LIMIT_VARIABLE, "0.0058")  # two entries and a little
    make_room(keep=Path())
    assert names() == ["c", "d"]
    make_room(keep=Path())
    assert names() == ["c", "d"]


def test_what_was_just_made_is_kept_even_if_it_is_too_large(monkeypatch):
    put("young", used=200)
    large = put("large", used=100, size=300 * MB)
    monkeypatch.setenv(LIMIT_VARIABLE, "0.01")
    make_room(keep=large)
    assert names() == ["large"]


def test_removing_what_another_process_removes_as_well_is_no_mistake():
    put("gone", used=1)
    (entry,) = entries()
    remove(entry)
    remove(entry)
    assert entries() == ()


def test_files_that_are_no_models_are_left_alone(cache):
    put("model", used=1)
    (cache / "models" / "notes.txt").write_text("mine")
    make_room(keep=Path())
    assert names() == ["model"]
    CliRunner().invoke(app, ["cache", "clear"])
    assert [path.name for path in (cache / "models").rglob("*") if path.is_file()] == ["notes.txt"]


@pytest.mark.parametrize("text", ["plenty", "0", "-1", "nan", "inf"])
def test_a_wrong_limit_says_what_is_asked_for(monkeypatch, text):
    monkeypatch.setenv(LIMIT_VARIABLE, text)
    with pytest.raises(cached_files.CacheLimitError) as caught:
        size_limit()
    assert str(caught.value) == (
        f"TGRPO_CACHE_GB={text}: a number of gigabytes above 0 is asked for, such as "
        "TGRPO_CACHE_GB=4"
    )
    result = CliRunner().invoke(app, ["cache", "list"])
    assert result.exit_code == 2
    assert "a number of gigabytes" in result.output


def _hold(folder: str, stem: Path, ready) -> None:
    os.environ["TGRPO_CACHE"] = folder
    with being_made(stem):
        stem.with_name(stem.name + ".mjbxyz.part").write_text("half")
        ready.set()
        time.sleep(600)


def test_a_killed_process_leaves_no_lock_and_its_half_file_is_swept(cache):
    stem = put("model", used=1)
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=_hold, args=(str(cache), stem, ready))
    process.start()
    assert ready.wait(60)
    os.kill(process.pid, signal.SIGKILL)
    process.join(30)
    with being_made(stem):
        assert not list(cache.rglob("*.part"))
        assert names() == ["model"]


def test_list_shows_folder_size_and_models_by_version(cache):
    put("a", used=1)
    put("b", used=2)
    put("c", used=3, version="format-1_mujoco-2.3.7")
    result = CliRunner().invoke(app, ["cache", "list"])
    assert result.exit_code == 0
    text = " ".join(result.output.split())
    assert str(cache / "models") in result.output.replace("\n", "")
    assert "format-1_mujoco-2.3.7 (stale) │ 1 │ 3 MiB" in text
    assert f"{cached_files.current_version()} │ 2 │ 6 MiB" in text
    assert "3 models, 9 MiB of at most 4.0 GiB (TGRPO_CACHE_GB)" in text
    assert "initial states generated for 0 tasks" in text


def test_clear_removes_stale_models_all_models_or_states_as_asked(cache):
    put("a", used=1)
    put("b", used=3, version="format-1_mujoco-2.3.7")
    states = cache / "initial_states" / "libero_goal" / "turn_on_the_stove.npz"
    states.parent.mkdir(parents=True)
    states.write_bytes(b"states")
    said = CliRunner().invoke(app, ["cache", "clear", "--stale"]).output
    assert said == "removed 1 model, 3 MiB\n"
    assert names() == ["a"]
    CliRunner().invoke(app, ["cache", "clear"])
    assert names() == []
    assert states.is_file()
    said = CliRunner().invoke(app, ["cache", "clear", "--states"]).output
    assert "removed the initial states of 1 task," in said
    assert not states.exists()
