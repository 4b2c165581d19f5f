import importlib
import os
import subprocess
import sys

import numpy as np
import pytest

from tgrpo import libero_package
from tgrpo.libero_package import LiberoMissingError, import_libero
from tgrpo.tasks import (
    MAX_STEPS,
    PERTURBED,
    SETTLING_ACTION,
    UnknownTaskError,
    find_task,
    suite_tasks,
    suites,
)

SOUP = "pick_up_the_alphabet_soup_and_place_it_in_the_basket"


def test_the_five_suites_hold_130_tasks():
    assert suites() == tuple(MAX_STEPS)
    assert [len(suite_tasks(suite)) for suite in suites()] == [10, 10, 10, 10, 90]


@pytest.mark.parametrize("suite", suites())
def test_tasks_stand_in_liberos_order_with_its_instructions(suite):
    benchmark = import_libero("benchmark")
    theirs = benchmark.get_benchmark(suite)()
    for index, task in enumerate(suite_tasks(suite)):
        assert task.name == theirs.get_task(index).name
        assert task.instruction == theirs.get_task(index).language
        assert task.bddl_file.samefile(theirs.get_task_bddl_file_path(index))
        assert task.max_steps == MAX_STEPS[suite]


@pytest.mark.parametrize("suite", suites())
def test_every_task_has_a_scene_with_the_same_instruction(suite):
    for task in suite_tasks(suite):
        assert task.scene.id == task.id
        assert task.scene.instruction == task.instruction


@pytest.mark.parametrize(("suite", "origin"), PERTURBED.items())
def test_a_perturbed_suite_has_the_tasks_and_the_time_of_the_suite_that_was_perturbed(
    suite, origin
):
    assert suite not in suites()
    assert [task.name for task in suite_tasks(suite)] == [t.name for t in suite_tasks(origin)]
    for task, original in zip(suite_tasks(suite), suite_tasks(origin), strict=True):
        assert (task.instruction, task.max_steps) == (original.instruction, original.max_steps)
        assert task.bddl_file.read_text() != original.bddl_file.read_text()
        assert find_task(task.id) is task


def test_a_task_is_found_by_id_or_by_two_names():
    assert find_task(f"libero_object/{SOUP}") is find_task("libero_object", SOUP)
    assert find_task("libero_object", SOUP).instruction == (
        "pick up the alphabet soup and place it in the basket"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("libero_objekt/x",),
            "unknown suite 'libero_objekt'; did you mean 'libero_object', 'libero_goal', ",
        ),
        (
            ("libero_object", "pick_up_milk"),
            "unknown task of libero_object 'pick_up_milk'; did you mean "
            "'pick_up_the_milk_and_place_it_in_the_basket'",
        ),
        (
            ("libero_goal",),
            "unknown task of libero_goal ''; known are 'open_the_middle_drawer_of_the_cabinet', ",
        ),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(arguments, message):
    with pytest.raises(UnknownTaskError) as caught:
        find_task(*arguments)
    assert str(caught.value).startswith(message)


def test_settling_opens_the_gripper_and_cannot_be_changed():
    assert SETTLING_ACTION.tolist() == [0, 0, 0, 0, 0, 0, -1]
    with pytest.raises(ValueError, match="read-only"):
        SETTLING_ACTION[0] = 1
    assert SETTLING_ACTION.dtype == np.float64


def test_without_libero_the_message_names_the_extra(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(f"No module named {name.partition('.')[0]!r}")

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(LiberoMissingError, match=r"pip install 'rewardlang\[train\]'"):
        import_libero("benchmark")


def test_importing_libero_is_silent_and_leaves_the_home_folder_alone(tmp_path):
    home, cache = tmp_path / "home", tmp_path / "cache"
    home.mkdir()
    environment = {"HOME": str(home), "TGRPO_CACHE": str(cache), "PATH": os.environ["PATH"]}
    script = "from tgrpo.libero_package import import_libero; import_libero('envs.env_wrapper')"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**environment, "MPLCONFIGDIR": str(cache)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout == ""
    assert "robosuite" not in done.stderr
    assert list(home.rglob("*")) == []


def test_the_cache_can_be_moved(monkeypatch, tmp_path):
    monkeypatch.setenv("TGRPO_CACHE", str(tmp_path))
    assert libero_package.cache_folder() == tmp_path
    monkeypatch.delenv("TGRPO_CACHE")
    assert libero_package.cache_folder().name == "tgrpo"
