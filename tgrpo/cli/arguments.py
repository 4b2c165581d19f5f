"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Rewards = Annotated[
    Path | None, typer.Option(help="Folder of reward programs (*.rl), or one file. [tasks]")
]
Suite = Annotated[str | None, typer.Option(help="Suite, for example libero_object.")]
Tasks = Annotated[
    list[str] | None,
    typer.Option("--task", help="Task name, or SUITE/NAME; repeat it for several."),
]
PolicyKind = Annotated[
    str | None,
    typer.Option(
        "--policy",
        metavar="tiny|tiny-vision|openvla:PATH|openvla-oft:PATH",
        help="Policy: tiny, tiny-vision, or a checkpoint of OpenVLA, or of OpenVLA-OFT with "
        "discrete tokens (unverified against the original), by its folder or its id on the hub. "
        "[tiny]",
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        help="Settings to start from: quickstart (the default), paper, vision, or openvla (the "
        "default with OpenVLA's policies)."
    ),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", help="TOML file of settings, such as a run's config.toml."),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Any hyper-parameter, for example learner.learning_rate=1e-4; see tgrpo parameters.",
    ),
]
Seed = Annotated[int | None, typer.Option(help="Seed of everything random.")]
Demos = Annotated[
    str | None,
    typer.Option(
        metavar="N|FILE",
        help="Demonstrations per task to generate, or an HDF5 file (or folder) to read.",
    ),
]
Workers = Annotated[int | None, typer.Option(help="Simulator processes. [one per core]", min=1)]
BackendOption = Annotated[
    Literal["local", "ray"] | None,
    typer.Option("--backend", help="Simulate on this machine, or on a Ray cluster. [local]"),
]
Address = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT|auto", help="The Ray cluster. [one of its own, on this machine]"
    ),
]
RunDir = Annotated[Path | None, typer.Option(help="Where the run's folder is made. [runs]")]
SplitOption = Annotated[
    Literal["train", "validation", "test"], typer.Option("--split", help="Which initial states.")
]
StepperOption = Annotated[
    Literal["fast", "libero"] | None,
    typer.Option("--stepper", help="fast, or LIBERO's own step for comparison. [fast]"),
]
