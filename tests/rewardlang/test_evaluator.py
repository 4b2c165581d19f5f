"""Evaluators: bound once, pure, portable, and traceable when something breaks."""

from __future__ import annotations

import copy
import linecache
import pickle
import subprocess
import sys
import traceback
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

import rewardlang
from rewardlang import ir
from rewardlang.datatypes import Kind
from rewardlang.runtime.evaluator import Memory, compile
from rewardlang.state import BindError, FactKind, Snapshot
from tests.rewardlang.episodes import HELD, IN_BASKET, Episode, state
from tests.rewardlang.programs import atom, place_in, program, random_program, seq, stage
from tests.rewardlang.worlds import KITCHEN, at_rest, reader, wander

ROOT = Path(__file__).parents[2]


def test_compiling_needs_no_simulator() -> None:
    made = (
        "import sys;"
        "from rewardlang.runtime.evaluator import compile;"
        "from tests.rewardlang.programs import place_in, program;"
        "compile(program(place_in('cup_1', 'basket_1_contain_region')));"
        "heavy = {'mujoco', 'torch', 'libero', 'robosuite', 'tgrpo', 'lark'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", made],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"


def test_requirements_are_the_programs_and_then_those_of_the_scenes_goal() -> None:
    evaluator = compile(program(stage("a", HELD)))
    facts = evaluator.requirements(KITCHEN).facts
    assert [(fact.kind, fact.names) for fact in facts] == [
        (FactKind.PAD_CONTACT, ("cup_1",)),
        (FactKind.FRAME, ("cup_1",)),
        (FactKind.FRAME, ("basket_1_contain_region",)),
    ]


def test_a_step_depends_on_snapshot_and_memory_alone_and_changes_neither() -> None:
    played = random_program(Random(11))
    evaluator = compile(played)
    fn = evaluator.attach(reader(evaluator.requirements(KITCHEN)), KITCHEN, max_steps=30)
    worlds = wander(3, 20)
    memory = fn.reset(worlds[0])
    memories = []
    for world in worlds[1:]:
        kept = copy.deepcopy(memory)
        first, after = fn(world, memory)
        assert memory == kept
        memories.append((world, memory, first, after))
        memory = after
    for world, before, step, after in reversed(memories):
        assert fn(world, before) == (step, after)


def test_two_episodes_of_one_function_do_not_disturb_each_other() -> None:
    one, other = Episode(program(seq(stage("a", HELD), stage("b", IN_BASKET)))), None
    other = Memory(one.memory.slots)
    one.play(state(held=True))
    step, _ = one.reward_fn(state(), other)
    assert (step.stages, one.steps[-1].stages) == (("a",), ("b",))


def test_memory_and_steps_travel_between_processes() -> None:
    episode = Episode(program(place_in("cup_1", "basket_1_contain_region")))
    step = episode.play(state(), state(held=True))
    assert pickle.loads(pickle.dumps((step, episode.memory))) == (step, episode.memory)
    assert (episode.memory.steps, episode.memory.phi) == (2, step.phi)


def test_an_evaluator_travels_as_its_program() -> None:
    evaluator = compile(random_program(Random(5)))
    arrived = pickle.loads(pickle.dumps(evaluator))
    assert (arrived.source, arrived.line_map) == (evaluator.source, evaluator.line_map)


def test_phi_at_reset_is_known_before_the_first_step() -> None:
    episode = Episode(program(stage("a", HELD)), state().in_hand("cup_1", "left pad"))
    assert (episode.memory.steps, episode.memory.phi) == (0, 0.5)


def test_native_success_of_a_state_that_belongs_to_no_step() -> None:
    episode = Episode(program(stage("a", HELD)))
    answers = [episode.reward_fn.native_success(state(basket=inside)) for inside in (True, False)]
    assert answers == [True, False]


def test_an_episode_needs_at_least_one_step() -> None:
    evaluator = compile(program(stage("a", HELD)))
    with pytest.raises(ValueError, match="max_steps must be at least 1, not 0"):
        evaluator.attach(lambda world: world, KITCHEN, max_steps=0)


def test_a_goal_that_the_scene_cannot_hold_is_found_when_binding() -> None:
    scene = KITCHEN.model_copy(update={"goal": (("on", "cup_3", "plate_1"),)})
    with pytest.raises(BindError, match="no object or region is called cup_3"):
        compile(program(stage("a", HELD))).requirements(scene)


def test_an_error_in_generated_code_names_its_place_in_the_program() -> None:
    evaluator = compile(program(stage("reach", atom("near", "gripper", "cup_1"))))

    def too_short(_: object) -> Snapshot:
        return Snapshot([0.0] * 20)

    fn = evaluator.attach(too_short, KITCHEN, max_steps=10)
    with pytest.raises(ValueError) as caught:
        fn.reset(at_rest())
    assert caught.value.__notes__ == ["while evaluating made_up.rl:1:1"]
    shown = "".join(traceback.format_exception(caught.value))
    assert "falling(m, " in shown, "the traceback shows the generated line"
    assert evaluator.filename.startswith("<rewardlang made_up.rl ")
    assert "".join(linecache.getlines(evaluator.filename)) == evaluator.source


def test_a_line_without_a_place_is_the_programs() -> None:
    evaluator = compile(program(stage("reach", HELD)))
    assert evaluator.place(1) == "made_up.rl"
    line = next(iter(evaluator.line_map))
    assert evaluator.place(line) == "made_up.rl:1:1"


# --- from text -----------------------------------------------------------------------------------

SOUP = "libero_object/pick_up_the_alphabet_soup_and_place_it_in_the_basket"
TEXT = f"""\
rewardlang 1
task "pick up the alphabet soup and place it in the basket"
scene "{SOUP}"

object soup = alphabet_soup_1
object basket = basket_1_contain_region

use place_in(soup, basket)

success bddl
"""


def test_a_text_becomes_an_evaluator() -> None:
    analysis = rewardlang.analyze(TEXT, name="soup.rl")
    assert analysis.program is not None, analysis.diagnostics
    evaluator = rewardlang.compile(analysis.program)
    assert "# stage release; line 8: use place_in(soup, basket)" in evaluator.source
    facts = evaluator.requirements(rewardlang.load_scene(SOUP)).facts
    names = {name for fact in facts for name in fact.names}
    assert names == {"alphabet_soup_1", "basket_1_contain_region"}


@pytest.mark.parametrize(
    "path", sorted((ROOT / "tasks").glob("*/*.rl")), ids=lambda path: path.stem
)
def test_shipped_programs_compile(path: Path) -> None:
    analysis = rewardlang.analyze(path.read_text(), name=path.name)
    assert analysis.program is not None, analysis.diagnostics
    scene = rewardlang.load_scene(analysis.program.scene)
    facts = rewardlang.compile(analysis.program).requirements(scene).facts
    goal = {name for atom in scene.goal for name in atom[1:]}
    assert goal <= {name for fact in facts for name in fact.names}


@pytest.mark.sim
def test_a_program_pays_in_libero_what_its_states_are_worth() -> None:
    import mujoco

    from tgrpo.libero_package import libero_path, make_environment

    scene = rewardlang.load_scene(SOUP)
    env = make_environment(libero_path("bddl_files") / scene.suite / f"{scene.task}.bddl")
    try:
        env.seed(0)
        env.reset()
        model, data = env.env.sim.model._model, env.env.sim.data._data
        program_ = rewardlang.analyze(TEXT).program
        fn = rewardlang.compile(program_).bind(model, scene, max_steps=280)
        soup = model.jnt_qposadr[model.body("alphabet_soup_1_main").jntadr[0]]
        start = data.qpos[soup : soup + 3].copy()
        memory = fn.reset(data)
        assert memory.phi == 0.0

        def put(position):
            data.qpos[soup : soup + 3] = position
            mujoco.mj_forward(model, data)

        put(data.site("gripper0_grip_site").xpos)  # in the hand, touching neither pad perhaps
        step, memory = fn(data, memory)
        assert step.stages == ("grasp",)
        assert step.phi >= 0.1
        basket = data.site("basket_1_contain_region").xpos
        put(basket)
        done, memory = fn(data, memory)
        assert (done.success, done.native_success, done.phi) == (True, True, 1.0)
        assert done.reward == pytest.approx(279 / 280 + ir.SUCCESS_BONUS)
        put(start)
        assert not fn.native_success(data)

        milk = ir.Atom("grasped", (ir.Ref("milk_9", Kind.MOVABLE),), HELD.span)
        broken = rewardlang.compile(replace(program_, root=stage("a", milk)))
        with pytest.raises(BindError) as caught:
            broken.bind(model, scene, max_steps=10)
        assert caught.value.missing == ("`milk_9` is not in the scene (nearest: milk_1)",)
    finally:
        env.close()
