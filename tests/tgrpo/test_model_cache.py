"""Compiled models: made once, whoever asks, and made anew where their files are gone or damaged."""

import dataclasses
import logging
import multiprocessing
import os

import numpy as np
import pytest

from tgrpo.simulation import cached_files, model_cache
from tgrpo.simulation.cached_files import LIMIT_VARIABLE, CacheLimitError, entries
from tgrpo.simulation.envs import Simulation
from tgrpo.simulation.initial_states import load_states
from tgrpo.simulation.model_cache import compiled_task
from tgrpo.tasks import find_task

SOUP = find_task("libero_object/pick_up_the_alphabet_soup_and_place_it_in_the_basket")
MILK = find_task("libero_object/pick_up_the_milk_and_place_it_in_the_basket")
pytestmark = pytest.mark.sim


@pytest.fixture
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("TGRPO_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture
def log(monkeypatch, caplog):
    # Libraries that other tests import may have switched off every logger that was there.
    monkeypatch.setattr(logging.getLogger("tgrpo.simulation.model_cache"), "disabled", False)
    caplog.set_level(logging.INFO, "tgrpo.simulation.model_cache")
    return caplog


def test_a_damaged_model_is_compiled_anew(own_cache, log):
    compiled_task(SOUP)
    (binary,) = own_cache.rglob("*.mjb")
    whole = binary.read_bytes()
    binary.write_bytes(whole[: len(whole) // 2])
    assert compiled_task(SOUP).model.nq == 58
    assert binary.read_bytes() == whole
    assert "cannot be read" in log.text


def test_a_simulation_outlives_its_files(own_cache):
    simulation = Simulation(SOUP)
    state = load_states(SOUP, "train")[0]
    before = simulation.reset(state)
    for entry in entries():
        cached_files.remove(entry)
    np.testing.assert_array_equal(simulation.reset(state).objects, before.objects)
    assert "<mujoco" in simulation.model_xml()  # asks for a file that is gone
    assert {path.suffix for path in own_cache.rglob("pick*")} == {".gz", ".json", ".mjb"}


@pytest.mark.usefixtures("own_cache")
def test_what_was_just_made_stays_and_the_rest_goes_beyond_the_limit(monkeypatch):
    compiled_task(SOUP)
    monkeypatch.setenv(LIMIT_VARIABLE, "0.001")
    assert compiled_task(MILK).model.nq == 58
    (left,) = entries()
    assert left.stem.name.startswith(MILK.name)


@pytest.mark.usefixtures("own_cache")
def test_a_wrong_limit_is_told_before_anything_is_built(monkeypatch):
    monkeypatch.setenv(LIMIT_VARIABLE, "plenty")
    monkeypatch.setattr(model_cache, "make_environment", lambda _: pytest.fail("was built"))
    with pytest.raises(CacheLimitError, match="TGRPO_CACHE_GB=plenty: a number of gigabytes"):
        compiled_task(SOUP)


def test_the_path_depends_on_bddl_and_versions(monkeypatch, tmp_path):
    before = model_cache.entry_stem(SOUP)
    changed = tmp_path / "changed.bddl"
    changed.write_bytes(SOUP.bddl_file.read_bytes() + b"\n")
    assert model_cache.entry_stem(dataclasses.replace(SOUP, bddl_file=changed)) != before
    monkeypatch.setattr(cached_files, "versions", lambda: {"mujoco": "9"})
    assert model_cache.entry_stem(SOUP) != before


def _construct(folder, queue):
    os.environ["TGRPO_CACHE"] = folder
    made = []
    make = model_cache._make
    model_cache._make = lambda task, stem: made.append(task) or make(task, stem)
    model = compiled_task(SOUP).model
    queue.put((len(made), model.nq, float(model.body_mass.sum())))


@pytest.mark.full
def test_of_processes_that_want_one_model_at_once_one_compiles_it(tmp_path):
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    processes = [context.Process(target=_construct, args=(str(tmp_path), queue)) for _ in range(3)]
    for process in processes:
        process.start()
    answers = [queue.get(timeout=240) for _ in processes]
    for process in processes:
        process.join(timeout=30)
    assert sorted(made for made, *_ in answers) == [0, 0, 1]
    assert len({tuple(model) for _, *model in answers}) == 1
    assert sorted(path.suffix for path in tmp_path.rglob("pick*")) == [".gz", ".json", ".mjb"]
