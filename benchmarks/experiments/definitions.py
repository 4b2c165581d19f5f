"""The experiments as data: suites, methods, and which differences are asked about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trials import Method, Suite


@dataclass(frozen=True, slots=True)
class Experiment:
    """`here`: the methods that are run when none are named; the others stand there as not run."""

    name: str
    title: str
    suites: tuple[Suite, ...]
    methods: tuple[Method, ...]
    comparisons: tuple[tuple[str, str], ...]  # the first minus the second
    common: tuple[str, ...]  # options of every `tgrpo train`
    here: tuple[str, ...]
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)


OBJECT = Suite(
    "libero_object",
    (
        "pick_up_the_bbq_sauce_and_place_it_in_the_basket",
        "pick_up_the_chocolate_pudding_and_place_it_in_the_basket",
        "pick_up_the_cream_cheese_and_place_it_in_the_basket",
        "pick_up_the_orange_juice_and_place_it_in_the_basket",
        "pick_up_the_salad_dressing_and_place_it_in_the_basket",
    ),
    demonstrations=1,
    sft_steps=270,
)
GOAL = Suite(
    "libero_goal",
    (
        "put_the_bowl_on_the_plate",
        "put_the_bowl_on_the_stove",
        "put_the_cream_cheese_in_the_bowl",
        "put_the_wine_bottle_on_top_of_the_cabinet",
        "turn_on_the_stove",
    ),
    demonstrations=2,
)

COMMON = (
    *("--preset", "quickstart"),
    # Longer, every method reaches the ceiling of these tasks, where there is nothing to compare.
    *("--iterations", "10"),
    *("--set", "evaluation.test_episodes=20"),
    *("--set", "evaluation.validation_episodes=10"),
    *("--set", "rollout.groups_per_iteration=5"),
)

SFT = Method("SFT")
GRPO_DENSE = Method("GRPO dense", ("--algorithm", "grpo"))
GRPO_SPARSE = Method("GRPO sparse", ("--algorithm", "grpo", "--set", "learner.reward=sparse"))
TGRPO = Method("TGRPO", ("--algorithm", "tgrpo"))
STAGES = Method("TGRPO with stages", ("--algorithm", "tgrpo-stage"))


def _against_sft(methods: Sequence[Method]) -> tuple[tuple[str, str], ...]:
    return tuple((method.name, SFT.name) for method in methods)


_ALL = (
    Method("DPO", ("--algorithm", "dpo")),
    Method("GRAPE", ("--algorithm", "grape")),
    GRPO_SPARSE,
    GRPO_DENSE,
    Method("PPO", ("--algorithm", "ppo")),
    TGRPO,
    STAGES,
)
TABLE = Experiment(
    "table",
    "Every method from the same SFT start",
    (OBJECT, GOAL),
    (SFT, *_ALL),
    (
        *_against_sft(_ALL),
        ("TGRPO", "GRPO dense"),
        ("TGRPO", "GRPO sparse"),
        ("GRPO dense", "GRPO sparse"),
        ("TGRPO with stages", "TGRPO"),
    ),
    COMMON,
    here=("SFT", "GRPO sparse", "GRPO dense", "TGRPO", "TGRPO with stages"),
)

_ALPHAS = tuple(
    Method(
        f"alpha_1 = {share:.1f}",
        (
            *("--algorithm", "tgrpo"),
            *("--set", f"learner.step_weight={share:.1f}"),
            *("--set", f"learner.trajectory_weight={1 - share:.1f}"),
        ),
    )
    for share in (0.1, 0.3, 0.5, 0.7, 0.9)
)
ALPHA = Experiment(
    "alpha",
    "Weight of the step level (Figure 5 of the paper)",
    (Suite(GOAL.name, GOAL.tasks[:2], GOAL.demonstrations, GOAL.sft_steps),),
    (SFT, *_ALPHAS),
    _against_sft(_ALPHAS),
    COMMON,
    here=("SFT", *(method.name for method in _ALPHAS)),
)

_SIZES = tuple(
    Method(
        f"N = {size}",
        (
            *("--algorithm", "tgrpo", "--group-size", str(size)),
            # As many episodes for every size: groups per iteration make up for it.
            *("--set", f"rollout.groups_per_iteration={40 // size}"),
        ),
    )
    for size in (2, 4, 8, 16)
)
GROUP_SIZE = Experiment(
    "group_size",
    "Arms in a group, with about as many episodes per iteration",
    (Suite(GOAL.name, GOAL.tasks[:2], GOAL.demonstrations, GOAL.sft_steps),),
    (SFT, *_SIZES),
    _against_sft(_SIZES),
    COMMON,
    here=(),
)

EXPERIMENTS = {item.name: item for item in (TABLE, ALPHA, GROUP_SIZE)}
