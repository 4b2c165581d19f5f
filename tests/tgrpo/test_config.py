"""Hyper-parameters: declared once, set from anywhere, and every mistake told at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgrpo.cli.options import resolve_options
from tgrpo.config import TrainConfig
from tgrpo.layers import (
    ConfigError,
    Layer,
    as_toml,
    file_layer,
    flatten,
    nest,
    parameters,
    preset_layer,
    presets,
    resolve,
    settings_layer,
)


def mistakes(*layers: Layer) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        resolve(layers)
    return [str(mistake) for mistake in caught.value.mistakes]


def test_every_mistake_of_every_source_is_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("iteration = 3\n[rollout]\ngroup_size = 1\n")
    found = mistakes(
        preset_layer("quikstart"),
        file_layer(file),
        settings_layer(["learner.lr=1e-4", "seed", "learner.clip=abc", "learner=3"]),
    )
    assert found == [
        "--preset: unknown preset 'quikstart'; did you mean quickstart?",
        "--set seed: write NAME=VALUE, for example learner.learning_rate=1e-4",
        f"{file}: iteration: no such hyper-parameter; did you mean iterations?",
        "--set: learner.lr: no such hyper-parameter; did you mean learner.learning_rate or "
        "learner.kl or learner.clip?",
        "--set: learner: is a section; set one of "
        + ", ".join(name for name, _ in parameters() if name.startswith("learner.")),
        f"{file}: rollout.group_size: must be greater than or equal to 2, got 1",
        "--set: learner.clip: must be a valid number, unable to parse string as a number, "
        "got 'abc'",
    ]


def test_a_name_without_anything_near_gets_three_names_and_where_all_are() -> None:
    names = [name for name, _ in parameters()]
    for asked in ("zzz", "learner.foo"):
        (message,) = mistakes(settings_layer([f"{asked}=1"]))
        start, listed, end = message.split("; ")
        assert start == f"--set: {asked}: no such hyper-parameter"
        proposed = listed.removeprefix("nearest are ").split(", ")
        assert len(proposed) == 3
        assert set(proposed) <= set(names)
        assert end == "tgrpo parameters lists them all"
    assert all(name.startswith("learner.") for name in proposed)
    (message,) = mistakes(preset_layer("zzz"))
    assert message == "--preset: unknown preset 'zzz'; known: openvla, paper, quickstart, vision"


FOLDER = b"a folder of this name"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "--config: no file "),
        (b"seed = ", "not a TOML file: "),
        (b"\xff\xfe", "not a TOML file: "),
        (FOLDER, "mine.toml: cannot be read: is a directory"),
    ],
)
def test_an_unreadable_file_is_a_mistake(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    file = tmp_path / "mine.toml"
    if content == FOLDER:
        file.mkdir()
    elif content is not None:
        file.write_bytes(content)
    (found,) = mistakes(file_layer(file))
    assert message in found


def test_later_layers_win() -> None:
    config = resolve(
        [
            Layer("a", {"seed": 1, "learner.clip": 0.1}),
            Layer("b", {"seed": 2}),
            settings_layer(["learner.clip=0.3", "tasks.names=['x', 'y']", "run_dir=some/place"]),
        ]
    )
    assert (config.seed, config.learner.clip) == (2, 0.3)
    assert config.tasks.names == ("x", "y")
    assert config.run_dir == Path("some/place")


@pytest.mark.parametrize("preset", presets())
def test_presets_hold_only_what_exists_and_can_be_read_back(preset: str, tmp_path: Path) -> None:
    config = resolve([preset_layer(preset)])
    file = tmp_path / "config.toml"
    file.write_text(as_toml(config))
    assert resolve([file_layer(file)]) == config
    file.write_text(as_toml(config, explain=True))
    assert resolve([file_layer(file)]) == config


def test_the_paper_preset_is_what_the_paper_states() -> None:
    config = resolve([preset_layer("paper")])
    assert (config.rollout.group_size, config.rollout.stop) == (4, "synchronous")
    assert (config.learner.step_weight, config.learner.trajectory_weight) == (0.3, 0.7)
    assert config.learner.learning_rate == 1e-5
    assert config.learner.std_floor == 0.0


@given(
    seed=st.integers(0, 2**31),
    rate=st.floats(1e-9, 1.0),
    names=st.lists(st.text('abc_"\\ é', max_size=8), max_size=3),
    count=st.none() | st.integers(1, 100),
)
def test_any_configuration_survives_its_toml(
    seed: int, rate: float, names: list[str], count: int | None
) -> None:
    values: dict[str, Any] = {
        "seed": seed,
        "learner.learning_rate": rate,
        "tasks.names": names,
        "demonstrations.count": count,
    }
    config = resolve([Layer("test", values)])
    import tomllib

    again = resolve([Layer("toml", dict(flatten(tomllib.loads(as_toml(config)))))])
    assert again == config


def test_nest_is_the_inverse_of_flatten() -> None:
    values = dict(flatten(TrainConfig().model_dump()))
    assert nest(values) == TrainConfig().model_dump()
    assert list(values) != []


def test_every_hyper_parameter_is_explained() -> None:
    silent = [name for name, text in parameters() if not text and name != "seed"]
    assert silent == []


class TestOptions:
    def test_without_preset_and_file_the_quickstart_holds(self) -> None:
        resolved = resolve_options({})
        assert resolved.config == resolve([preset_layer("quickstart")])
        assert resolved.preset.startswith("quickstart (what fits")

    def test_a_file_replaces_the_quickstart(self, tmp_path: Path) -> None:
        file = tmp_path / "mine.toml"
        file.write_text("seed = 3\n")
        config = resolve_options({}, config_file=file).config
        assert (config.seed, config.tasks.limit) == (3, None)

    def test_named_tasks_lift_the_limit_of_a_preset(self) -> None:
        config = resolve_options({"task": ("a", "b")}).config
        assert (config.tasks.names, config.tasks.limit) == (("a", "b"), None)
        assert resolve_options({"suite": "libero_spatial"}).config.tasks.limit == 1

    def test_options_that_were_not_given_leave_the_preset_alone(self) -> None:
        assert resolve_options({"seed": None, "task": ()}).config == resolve_options({}).config

    def test_demos_is_a_number_or_a_file(self, tmp_path: Path) -> None:
        file = tmp_path / "demo.hdf5"
        file.touch()
        assert resolve_options({}, demos="7").config.demonstrations.count == 7
        read = resolve_options({}, demos=str(file)).config.demonstrations
        assert (read.file, read.count) == (file, None)
        with pytest.raises(ConfigError, match="nowhere is neither a number of demonstrations nor"):
            resolve_options({}, demos="nowhere")
        with pytest.raises(ConfigError, match="must be greater than or equal to 1, got -2"):
            resolve_options({}, demos="-2")
