"""`tgrpo plan` for OpenVLA: what is asked, checked."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer

from tgrpo.cli.console import make_console
from tgrpo.cli.mistakes import BAD_INPUT, WRONG_USAGE, fail
from tgrpo.cli.plan_tables import print_openvla
from tgrpo.config import TrainConfig
from tgrpo.estimates.asked import workload_of
from tgrpo.estimates.cards import CARDS, DEFAULT_CARD, GB, TERA, Card
from tgrpo.estimates.memory import Precision, Setting
from tgrpo.estimates.plan import as_json, plan
from tgrpo.openvla_shapes import PUBLISHED, PUBLISHED_IDS, Shapes


def plan_openvla(config: TrainConfig, setting: Setting, card: Card, *, as_data: bool) -> None:
    """Print, and end with 1 where it does not fit."""
    source = config.openvla.checkpoint or ""
    policy = f"{'openvla-oft' if config.openvla.chunk > 1 else 'openvla'}:{source}"
    found = plan(policy, find_shapes(policy), setting, card, workload_of(config))
    if as_data:
        typer.echo(json.dumps(as_json(found), indent=2))
    else:
        print_openvla(make_console(), found)
    if not found.fits:
        raise typer.Exit(BAD_INPUT)


def find_shapes(policy: str) -> Shapes:
    """Of what was published under an id, or of the headers of the files in a folder."""
    source = policy.partition(":")[2]
    if source in PUBLISHED_IDS:
        return PUBLISHED
    if not Path(source).is_dir():
        fail(
            f"--policy {policy}: neither a folder nor one of the published "
            f"{', '.join(PUBLISHED_IDS)}; of another one give the folder it was downloaded to",
            BAD_INPUT,
        )
    from tgrpo.policies.openvla.published import open_published  # torch: seconds of loading

    return open_published(Path(source)).shapes


def choose_card(
    name: str | None,
    memory: float | None,
    bandwidth: float | None,
    flops: float | None,
    precision: Precision,
) -> Card:
    """A known card, with the numbers that are given in place of its own."""
    given = {"--memory": memory, "--bandwidth": bandwidth, "--flops": flops}
    mistakes = [
        f"{option} {value:g}: must be greater than 0"
        for option, value in given.items()
        if value is not None and not value > 0
    ]
    if name is not None and name not in CARDS:
        mistakes.append(
            f"--card {name}: not known; known are {', '.join(CARDS)}; for another one give "
            "--memory, --bandwidth and --flops"
        )
    if mistakes:
        fail("\n".join(mistakes), WRONG_USAGE)
    card = CARDS[name or DEFAULT_CARD]
    rate = "float32" if precision == "float32" else "bfloat16"
    scaled = {"memory": (memory, GB), "bandwidth": (bandwidth, GB), rate: (flops, TERA)}
    changed: dict[str, Any] = {
        field: value * unit for field, (value, unit) in scaled.items() if value is not None
    }
    if changed:
        changed["name"] = f"{card.name} with the numbers given"
    return replace(card, **changed)
