"""OpenVLA-7B on one card, randomly initialised: decisions, updates, the whole loop, the roofline.

    card        bandwidth of its memory and rate of its matrix products, measured here
    decisions   seconds for 1, 4, 16 and 64 arms at once: of the sampler, frames to tokens, and of
                the network in it, beside the roofline of `tgrpo plan` with the measured numbers
    generate    tokens per second of transformers' plain `generate` with batch 1, the same network
    update      decisions per second of TGRPO's update, its peak of memory beside the estimate
    loop        episodes per hour: simulators with EGL rendering, the policy, the update

Random weights cost what trained ones do, and succeed at nothing: every episode has full length, or
--steps. Medians of --rounds after one that is not counted. Loading a checkpoint is not measured.

    python benchmarks/openvla_gpu.py                     # a card of 40 GB or more
    python benchmarks/openvla_gpu.py --tiny --no-loop    # a small network on a CPU

Prints tables and, as the last line, JSON. Without a card it says what it needs.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
import transformers
from card_timing import Machine, measured_card
from random_openvla import (
    CONFIG,
    CONTEXT,
    PROMPT,
    TINY,
    made_up_group,
    random_backbone,
    random_frames,
    random_policy,
)

from tgrpo.capacity import cores, slots
from tgrpo.config import TrainConfig
from tgrpo.estimates.cards import GB, TERA, Card
from tgrpo.estimates.memory import Setting, memory_of
from tgrpo.estimates.time import Workload, times_of
from tgrpo.layers import Layer, resolve
from tgrpo.openvla_shapes import PUBLISHED, Shapes
from tgrpo.policies.openvla.backbone import Backbone
from tgrpo.policies.openvla.decoding import prefix, sample
from tgrpo.policies.openvla.images import CAMERA, pixel_values, prepared
from tgrpo.policies.openvla.prompt import aligned
from tgrpo.programs import select
from tgrpo.rollouts.machines import Machines, open_backend
from tgrpo.training.algorithms import make_learner
from tgrpo.training.planning import group_jobs, rules
from tgrpo.trajectory import ACTION_DIM

PROGRAMS = Path(__file__).parents[1] / "tasks"
TASK = "libero_object/pick_up_the_milk_and_place_it_in_the_basket"
NEEDED = (
    "this measures OpenVLA-7B on a GPU, and there is none that PyTorch sees: one NVIDIA card with "
    "40 GB or more, PyTorch with CUDA, pip install 'rewardlang[vla]', and EGL for the loop "
    "(tgrpo doctor). --tiny tries the script on a CPU."
)


def decisions(
    backbone: Backbone, machine: Machine, card: Card, asked: Setting, shapes: Shapes
) -> dict[str, float | int | None]:
    """Of `asked.arms` at once: seconds of sampler and network, and what the card allows."""
    arms = asked.arms
    frames = random_frames(arms)
    state = np.zeros((arms, 9), np.float32)
    objects, uniforms = np.zeros((arms, 0, 7), np.float32), np.random.default_rng(0)
    noise = uniforms.random((arms, ACTION_DIM))
    sampler, network = random_policy(backbone).sampler(), backbone.network
    pixels = pixel_values(torch.from_numpy(prepared(frames)).to(machine.device))
    prompts = aligned([backbone.published.tokenizer.ids("")] * arms).to(machine.device)

    def whole() -> None:
        frames[:, 0, 0, 0] += 1  # other ones each time: those of the last time are kept
        images = {CAMERA.name: frames}
        sampler.sample(CONTEXT, state, objects, temperature=1.0, uniforms=noise, images=images)

    @torch.no_grad()
    def alone() -> None:
        sample(network, prefix(network, pixels, prompts), temperature=0.0)

    peak, seconds, network_seconds = (
        machine.peak_of(whole),
        machine.seconds(whole),
        machine.seconds(alone),
    )
    bound = times_of(shapes, asked, card, Workload(arms, 1, 1, 0.0)).decision
    return {
        "arms": arms,
        "seconds": seconds,
        "network_seconds": network_seconds,
        "roofline_seconds": bound,
        "share_of_roofline": bound / network_seconds,
        "tokens_per_second": arms * ACTION_DIM / network_seconds,
        "peak_bytes": peak,
    }


def generate(backbone: Backbone, machine: Machine) -> dict[str, float]:
    """transformers' own loop, one environment, from pixels."""
    network = backbone.network
    pixels = pixel_values(torch.from_numpy(prepared(random_frames(1))).to(machine.device))
    prompts = aligned([backbone.published.tokenizer.ids("")]).to(machine.device)

    @torch.no_grad()
    def plain() -> None:
        before = prefix(network, pixels, prompts)
        network.language_model.generate(
            inputs_embeds=before.embeddings,
            attention_mask=before.mask.long(),
            max_new_tokens=ACTION_DIM,
            min_new_tokens=ACTION_DIM,
            do_sample=False,
            pad_token_id=0,
        )

    seconds = machine.seconds(plain)
    return {"seconds": seconds, "tokens_per_second": ACTION_DIM / seconds}


def update(
    backbone: Backbone, machine: Machine, card: Card, asked: Setting, shapes: Shapes, steps: int
) -> dict[str, float | int | None]:
    """TGRPO's own, on made-up groups: as many optimiser steps as decisions / minibatch."""
    config = configuration(asked, steps)
    learner = make_learner(random_policy(backbone), config)
    groups = [made_up_group(asked.arms, steps)]
    count = asked.arms * steps
    machine.settle()
    start = time.perf_counter()
    peak = machine.peak_of(lambda: learner.update(groups))
    machine.settle()
    seconds = time.perf_counter() - start
    memory = memory_of(shapes, replace(asked, evaluation=1))
    bound = times_of(shapes, asked, card, Workload(count, 1, 1, 0.0)).updating
    return {
        "decisions": count,
        "micro_batch": asked.micro_batch,
        "decisions_per_second": count / seconds,
        "share_of_roofline": bound / seconds,
        "peak_bytes": peak,
        "estimated_bytes": memory.held + memory.activations - memory.overhead,
    }


def loop(backbone: Backbone, asked: Setting, steps: int, workers: int) -> dict[str, object]:
    """One iteration of training without validation: groups collected, then learned from."""
    config = configuration(asked, steps)
    policy = random_policy(backbone)
    programs = select(config.rewards, config.tasks).used
    machines = replace(Machines.of(config), workers=workers)
    with open_backend(machines, slots(config), print) as backend:
        backend.collect(policy, group_jobs(config, programs, 1)[:1], rules(config, 0))  # warms up
        collected = backend.collect(policy, group_jobs(config, programs, 1), rules(config, 1))
    start = time.perf_counter()
    make_learner(policy, config).update(collected.groups)
    updating = time.perf_counter() - start
    arms = [arm for group in collected.groups for arm in group.trajectories]
    seconds = collected.seconds["wall"] + updating
    return {
        "episodes": len(arms),
        "steps": sum(map(len, arms)),
        "collecting": dict(collected.seconds),
        "updating_seconds": updating,
        "episodes_per_hour": 3600 * len(arms) / seconds,
        "steps_per_second": sum(map(len, arms)) / collected.seconds["wall"],
    }


def configuration(asked: Setting, steps: int) -> TrainConfig:
    values = {
        "rewards": str(PROGRAMS),
        "tasks.names": [TASK],
        "rollout.group_size": asked.arms,
        "rollout.groups_per_iteration": 2,
        "rollout.max_steps": steps,
        "learner.micro_batch": asked.micro_batch,
    }
    return resolve([Layer("benchmark", values)])


def print_row(name: str, row: dict[str, object]) -> None:
    texts = (
        f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
        for key, value in row.items()
        if not isinstance(value, dict)
    )
    print(f"{name}: {', '.join(texts)}", flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tiny", action="store_true", help="a small network, on the CPU")
    parser.add_argument("--no-loop", action="store_true", help="leave the simulators out")
    parser.add_argument("--arms", type=int, nargs="+", default=[1, 4, 16, 64])
    parser.add_argument("--micro-batch", type=int, nargs="+", default=[1, 4, 8, 16])
    parser.add_argument("--steps", type=int, default=100, help="of an episode, in update and loop")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=cores(), help="simulator processes")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    if not options.tiny and not torch.cuda.is_available():
        print(NEEDED)
        print(json.dumps({"benchmark": "openvla_gpu", "skipped": "no GPU"}))
        return
    shapes = TINY if options.tiny else PUBLISHED
    device = torch.device("cpu" if options.tiny else "cuda")
    dtype = torch.float32 if options.tiny else torch.bfloat16
    machine = Machine(device, dtype, options.rounds)
    card = measured_card(machine, side=512 if options.tiny else 8192)
    backbone = random_backbone(shapes, rank=CONFIG.lora_rank, device=device, dtype=dtype)
    base = Setting("float32" if options.tiny else "bfloat16", CONFIG.lora_rank, prompt=PROMPT)
    result: dict[str, object] = {
        "benchmark": "openvla_gpu",
        "card": asdict(card),
        "parameters": sum(item.numel() for item in backbone.network.parameters()),
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
    }
    print_row(
        "card", {"name": card.name, "GB/s": card.bandwidth / GB, "TFLOP/s": card.bfloat16 / TERA}
    )
    rows = []
    for arms in options.arms:
        rows.append(decisions(backbone, machine, card, replace(base, arms=arms), shapes))
        print_row("decisions", rows[-1])
    result |= {"decisions": rows, "generate": generate(backbone, machine)}
    print_row("generate", result["generate"])
    rows = []
    for size in options.micro_batch:
        asked = replace(base, micro_batch=size)
        rows.append(update(backbone, machine, card, asked, shapes, options.steps))
        print_row("update", rows[-1])
    result["update"] = rows
    if not options.no_loop:
        asked = replace(base, micro_batch=max(options.micro_batch))
        result["loop"] = loop(backbone, asked, options.steps, options.workers)
        print_row("loop", result["loop"])
    print(json.dumps(result))


if __name__ == "__main__":
    main()
