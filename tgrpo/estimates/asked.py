"""What a configuration asks of a card and of the machine."""

from __future__ import annotations

import math

from tgrpo.capacity import CONTROL_STEPS_PER_SECOND, worker_count
from tgrpo.config import TrainConfig
from tgrpo.estimates.memory import Precision, Setting
from tgrpo.estimates.time import Workload
from tgrpo.tasks import MAX_STEPS

FRAME_SECONDS = 0.0007  # to draw one image on a GPU; assumed
IMAGE_SECONDS = 0.007  # to make one ready for the network, on one core: JPEG, Lanczos, crop


def setting_of(
    config: TrainConfig, *, gpu: bool = True, cards: int = 1, drawing: bool = True
) -> Setting:
    """Of a run of OpenVLA; precision `auto` is bfloat16 on a GPU and float32 elsewhere.

    Several `cards` divide a minibatch and, in an update, the weights. `drawing`: whether simulators
    of this machine draw on the first of them.
    """
    chosen, rollout = config.openvla, config.rollout
    learner, sft = config.learner, config.sft
    minibatch = math.ceil(decisions_of(config) / (learner.minibatches * cards))
    cloned = min(sft.batch_size, sft.micro_batch or sft.batch_size) if sft.steps else 0
    default: Precision = "bfloat16" if gpu else "float32"
    return Setting(
        precision=default if chosen.precision == "auto" else chosen.precision,
        rank=chosen.lora_rank,
        arms=rollout.group_size,
        evaluation=config.evaluation.batch_size,
        cards=cards,
        sharded=cards > 1,
        views=cameras_of(config),
        chunk=chosen.chunk,
        micro_batch=max(cloned, min(minibatch, learner.micro_batch or minibatch)),
        renderers=worker_count(config) if gpu and drawing and config.backend == "local" else 0,
    )


def workload_of(config: TrainConfig) -> Workload:
    """Of an iteration."""
    step = 1 / CONTROL_STEPS_PER_SECOND
    frames = cameras_of(config)
    return Workload(
        decisions=decisions_of(config),
        lanes=config.rollout.groups_in_flight,
        workers=worker_count(config),
        step=chunk_of(config) * step + frames * FRAME_SECONDS,
        image=frames * IMAGE_SECONDS if config.policy.kind == "openvla" else 0.0,
        epochs=config.learner.epochs,
        reference=config.learner.kl_weight > 0,
        everywhere=config.backend == "ray" and config.ray.collector_gpus > 0,
    )


def decisions_of(config: TrainConfig) -> int:
    """Of an iteration whose arms all play to the limit of an episode."""
    rollout, longest = config.rollout, max(MAX_STEPS.values())
    steps = rollout.max_steps or MAX_STEPS.get(config.tasks.suite or "", longest)
    return rollout.groups_per_iteration * rollout.group_size * math.ceil(steps / chunk_of(config))


def chunk_of(config: TrainConfig) -> int:
    """Actions of a decision."""
    return config.openvla.chunk if config.policy.kind == "openvla" else config.policy.chunk


def cameras_of(config: TrainConfig) -> int:
    """Images of a decision."""
    match config.policy.kind:
        case "tiny":
            return 0
        case "tiny-vision":
            return 2
        case "openvla":
            return 1 + config.openvla.wrist
