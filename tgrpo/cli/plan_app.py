"""`tgrpo plan`: its arguments.

Commands import what they need when they run.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

import typer

from tgrpo.cli.arguments import ConfigFile, Preset, Settings, Suite, Workers
from tgrpo.cli.mistakes import WRONG_USAGE, fail, reporting
from tgrpo.openvla_shapes import PUBLISHED_IDS


def plan(
    policy: Annotated[
        str | None,
        typer.Option(
            metavar="tiny|tiny-vision|openvla:PATH|openvla-oft:PATH",
            help="tiny, tiny-vision, or OpenVLA or OpenVLA-OFT (unverified against the original) "
            "by folder or id. [openvla:openvla/openvla-7b]",
        ),
    ] = None,
    preset: Preset = None,
    config: ConfigFile = None,
    settings: Settings = None,
    suite: Suite = None,
    group_size: Annotated[int | None, typer.Option(help="N: arms from one initial state.")] = None,
    groups_per_iteration: Annotated[int | None, typer.Option(help="Groups per update.")] = None,
    workers: Workers = None,
    precision: Annotated[
        Literal["bfloat16", "float32", "int8"] | None,
        typer.Option("--dtype", help="Of the frozen weights. [bfloat16]"),
    ] = None,
    lora_rank: Annotated[int | None, typer.Option(help="Rank of the adapters.", min=1)] = None,
    micro_batch: Annotated[
        int | None, typer.Option(help="Decisions whose gradients are computed at once.", min=1)
    ] = None,
    checkpointing: Annotated[
        bool, typer.Option(help="Compute activations again instead of keeping them.")
    ] = True,
    gpus: Annotated[int, typer.Option(help="GPUs that learn as one, under torchrun.", min=1)] = 1,
    card: Annotated[
        str | None, typer.Option(metavar="NAME", help="GPU, for example a100-80gb. [h100]")
    ] = None,
    memory: Annotated[
        float | None, typer.Option(metavar="GB", help="Of a GPU that is not known by name.")
    ] = None,
    bandwidth: Annotated[
        float | None, typer.Option(metavar="GB/s", help="Of its memory, measured or published.")
    ] = None,
    flops: Annotated[
        float | None, typer.Option(metavar="TFLOP/s", help="Of matrix products in --dtype.")
    ] = None,
    as_data: Annotated[bool, typer.Option("--json", help="Print the numbers as JSON.")] = False,
) -> None:
    """Estimate memory and time of a configuration; nothing is loaded, downloaded or simulated.

    Memory is counted, tensor by tensor; time is a bound, what the card cannot do faster. What is
    not given is the preset's, or the configuration's. Exits with 1 where it does not fit, and says
    what would.

    Examples:

      tgrpo plan --card rtx-4090

      tgrpo plan --policy openvla:checkpoints/mine --group-size 8 --dtype int8 --json

      tgrpo plan --policy tiny --preset quickstart
    """
    with reporting():
        from tgrpo.cli.options import resolve_options
        from tgrpo.cli.plan import choose_card, plan_openvla
        from tgrpo.estimates.asked import setting_of
        from tgrpo.tasks import expect_suite

        if policy is None and config is None and preset in (None, "openvla"):
            policy = f"openvla:{PUBLISHED_IDS[0]}"
        named = {
            "policy": policy,
            "suite": suite,
            "group_size": group_size,
            "groups_per_iteration": groups_per_iteration,
            "workers": workers,
        }
        configuration = resolve_options(
            named, preset=preset, config_file=config, settings=settings or ()
        ).config
        if chosen_suite := configuration.tasks.suite:
            expect_suite(chosen_suite, chosen_suite)
        if configuration.policy.kind != "openvla":
            given = {
                **{"--dtype": precision, "--lora-rank": lora_rank, "--micro-batch": micro_batch},
                **{"--no-checkpointing": not checkpointing, "--gpus": gpus > 1, "--card": card},
                **{"--memory": memory, "--bandwidth": bandwidth, "--flops": flops},
            }
            if foreign := [option for option, value in given.items() if value]:
                kind = configuration.policy.kind
                fail(f"{', '.join(foreign)}: for OpenVLA, not for a {kind} policy", WRONG_USAGE)
            from tgrpo.cli.plan_tiny import plan_tiny  # torch: seconds of loading

            plan_tiny(configuration, as_data=as_data)
            return
        asked = setting_of(configuration, cards=gpus)
        setting = replace(
            asked,
            precision=precision or asked.precision,
            rank=lora_rank or asked.rank,
            micro_batch=micro_batch or asked.micro_batch,
            checkpointing=checkpointing,
        )
        chosen = choose_card(card, memory, bandwidth, flops, setting.precision)
        plan_openvla(configuration, setting, chosen, as_data=as_data)
