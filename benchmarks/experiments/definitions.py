"""The experiments as data: suites, methods, and which differences are asked about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import examinations
from evaluations import evaluate_all, read_evaluation
from experiment import Experiment
from shaping import MODES, write_programs
from trials import SFT as START
from trials import Method, Settings, Suite

from tgrpo.tasks import PERTURBATIONS

# Tasks of a suite in alphabetical order, as runs write their results.
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
# Every other task of a suite. With how many demonstrations SFT comes to 40 – 80 % was not tried.
SPATIAL = Suite(
    "libero_spatial",
    (
        "pick_up_the_black_bowl_between_the_plate_and_the_ramekin_and_place_it_on_the_plate",
        "pick_up_the_black_bowl_from_table_center_and_place_it_on_the_plate",
        "pick_up_the_black_bowl_in_the_top_drawer_of_the_wooden_cabinet_and_place_it_on_the_plate",
        "pick_up_the_black_bowl_next_to_the_cookie_box_and_place_it_on_the_plate",
        "pick_up_the_black_bowl_next_to_the_plate_and_place_it_on_the_plate",
    ),
    demonstrations=2,
)
LONG = Suite(
    "libero_10",
    (
        "KITCHEN_SCENE3_turn_on_the_stove_and_put_the_moka_pot_on_it",
        "KITCHEN_SCENE8_put_both_moka_pots_on_the_stove",
        "LIVING_ROOM_SCENE2_put_both_the_alphabet_soup_and_the_tomato_sauce_in_the_basket",
        "LIVING_ROOM_SCENE5_put_the_white_mug_on_the_left_plate_and_put_the_yellow_and_white_mug_on"
        "_the_right_plate",
        "LIVING_ROOM_SCENE6_put_the_white_mug_on_the_plate_and_put_the_chocolate_pudding_to_the_"
        "right_of_the_plate",
    ),
    demonstrations=5,
)

COMMON = (
    *("--preset", "quickstart"),
    # Longer, every method reaches the ceiling of these tasks, where there is nothing to compare.
    *("--iterations", "10"),
    *("--set", "evaluation.test_episodes=20"),
    *("--set", "evaluation.validation_episodes=10"),
    *("--set", "rollout.groups_per_iteration=5"),
)

SFT = Method(START)
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
    (SPATIAL, OBJECT, GOAL, LONG),
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
    suites_here=(OBJECT.name, GOAL.name),
    folder="table",
)

_TWO_GOALS = "two_goals"  # the same starts for both experiments on these tasks
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
    suites_here=(GOAL.name,),
    folder=_TWO_GOALS,
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
    here=("SFT", *(method.name for method in _SIZES)),
    suites_here=(GOAL.name,),
    folder=_TWO_GOALS,
)

_PLANNED = Path("programs")
_MODES = tuple(Method(f"shaping {mode}", TGRPO.options, programs=_PLANNED / mode) for mode in MODES)


def _plan(settings: Settings, suites: Sequence[Suite]) -> None:
    """The planner's programs of all tasks in each mode."""
    tasks = [f"{suite.name}/{task}" for suite in suites for task in suite.tasks]
    write_programs(settings.runs / _PLANNED, tasks)


REWARD = Experiment(
    "reward",
    "TGRPO with the planner's programs in the four shaping modes",
    (replace(GOAL, tasks=GOAL.tasks[:2]),),
    (SFT, *_MODES),
    (*_against_sft(_MODES), *((item.name, "shaping sparse") for item in _MODES[:-1])),
    COMMON,
    here=("SFT", *(method.name for method in _MODES)),
    suites_here=(GOAL.name,),
    folder="reward",
    prepare=_plan,
)

# It pays for holding the object up beside the basket; nothing is wrong with it that a checker sees.
_HELD_UP = Path(__file__).parent.resolve() / "held_up"
_RIGHT, _WRONG = replace(TGRPO, name="right"), replace(TGRPO, name="held up", programs=_HELD_UP)
BAD_PROGRAM = Experiment(
    "bad_program",
    "TGRPO with a program that pays for something else, beside the right one",
    (replace(OBJECT, tasks=(OBJECT.tasks[0], OBJECT.tasks[3])),),
    (SFT, _RIGHT, _WRONG),
    (*_against_sft((_RIGHT, _WRONG)), (_WRONG.name, _RIGHT.name)),
    COMMON,
    here=("SFT", _RIGHT.name, _WRONG.name),
    suites_here=(OBJECT.name,),
    folder="bad_program",
    prepare=partial(examinations.examine, (_RIGHT, _WRONG)),
    remarks=partial(examinations.remarks, (_RIGHT, _WRONG)),
)


def _perturbed(suite: Suite) -> tuple[Suite, ...]:
    """The suite, and what LIBERO-PRO made of it."""
    kinds = (f"{suite.name}_{kind}" for kind in PERTURBATIONS)
    return (suite, *(replace(suite, name=name, perturbs=suite.name) for name in kinds))


GENERALISATION = replace(
    TABLE,
    name="generalisation",
    title="Policies of the table on LIBERO-PRO's perturbed suites",
    suites=tuple(item for suite in TABLE.suites for item in _perturbed(suite)),
    suites_here=tuple(item.name for suite in (OBJECT, GOAL) for item in _perturbed(suite)),
    candidates=("last",),
    side_by_side=1 + len(PERTURBATIONS),
    play=evaluate_all,
    read=read_evaluation,
)

EXPERIMENTS = {
    item.name: item for item in (TABLE, ALPHA, GROUP_SIZE, REWARD, BAD_PROGRAM, GENERALISATION)
}
