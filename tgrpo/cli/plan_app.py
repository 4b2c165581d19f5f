"""`tgrpo plan`: its arguments.

Commands import what they need when they run.
"""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from tgrpo.cli.arguments import ConfigFile, Preset, Settings, Suite, Workers
from tgrpo.cli.mistakes import reporting


def plan(
    policy: Annotated[
        str,
        typer.Option(
            metavar="KIND",
            help="tiny, or openvla:FOLDER, or openvla:ID of a checkpoint that OpenVLA published.",
        ),
    ] = "openvla:openvla/openvla-7b",
    preset: Preset = None,
    config: ConfigFile = None,
    settings: Settings = None,
    suite: Suite = None,
    group_size: Annotated[int | None, typer.Option(help="N: arms from one initial state.")] = None,
    groups_per_iteration: Annotated[int | None, typer.Option(help="Groups per update.")] = None,
    workers: Workers = None,
    precision: Annotated[
        Literal["bfloat16", "float32", "int8"], typer.Option("--dtype", help="Of the weights.")
    ] = "bfloat16",
    lora_rank: Annotated[int, typer.Option(help="Rank of the adapters.", min=1)] = 32,
    micro_batch: Annotated[
        int, typer.Option(help="Decisions whose gradients are computed at once.", min=1)
    ] = 4,
    checkpointing: Annotated[
        bool, typer.Option(help="Compute activations again instead of keeping them.")
    ] = True,
    gpus: Annotated[int, typer.Option(help="GPUs of the machine.", min=1)] = 1,
    sharded: Annotated[
        bool, typer.Option("--sharded", help="GPUs share the weights (FSDP).")
    ] = False,
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

    Memory is counted, tensor by tensor; time is a bound, what the card cannot do faster. Without
    --preset and --config the preset is the policy's: paper, or quickstart for tiny. Exits with 1
    where it does not fit, and says what would.

    Examples:

      tgrpo plan --card rtx-4090

      tgrpo plan --policy openvla:checkpoints/mine --group-size 8 --dtype int8 --json

      tgrpo plan --policy tiny --preset quickstart
    """
    with reporting():
        from tgrpo.cli.options import resolve_options
        from tgrpo.cli.plan import choose_card, plan_openvla
        from tgrpo.estimates.memory import Setting

        kind, _, source = policy.partition(":")
        default = None if config else ("quickstart" if kind == "tiny" else "paper")
        named = {
            "suite": suite,
            "group_size": group_size,
            "groups_per_iteration": groups_per_iteration,
            "workers": workers,
        }
        configuration = resolve_options(
            named, preset=preset or default, config_file=config, settings=settings or ()
        ).config
        if kind == "tiny":
            from tgrpo.cli.plan_tiny import plan_tiny  # torch: seconds of loading

            plan_tiny(configuration, as_data=as_data)
            return
        setting = Setting(
            precision=precision,
            rank=lora_rank,
            arms=configuration.rollout.group_size,
            evaluation=configuration.evaluation.batch_size,
            micro_batch=micro_batch,
            checkpointing=checkpointing,
            cards=gpus,
            sharded=sharded,
        )
        chosen = choose_card(card, memory, bandwidth, flops, precision)
        plan_openvla(kind, source, configuration, setting, chosen, as_data=as_data)
