"""`compile --standalone`: a module that needs nothing of ours and says what the evaluator says."""

from __future__ import annotations

import ast
import importlib.util
import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from typer.testing import CliRunner

import rewardlang
from rewardlang import ir
from rewardlang.cli import app
from rewardlang.codegen.emit import emit
from rewardlang.codegen.standalone import standalone
from rewardlang.runtime.evaluator import compile
from tests.rewardlang.programs import (
    PREDICATES,
    all_,
    atom,
    place_in,
    program,
    random_atom,
    random_program,
    seq,
    stage,
)
from tests.rewardlang.worlds import DRAWER, KITCHEN, STOVE, reader, wander

PLAY = """
import json, sys
for name in ("rewardlang", "tgrpo", "mujoco", "pydantic", "lark"):
    sys.modules[name] = None  # importing it is an error
sys.path.insert(0, sys.argv[1])
import alone
from dataclasses import asdict
answers = []
for values in json.load(sys.stdin):
    reward = alone.Reward(max_steps=15)
    memory = reward.reset(values[0])
    for now in values[1:]:
        step, memory = reward.step(now, memory)
        answers.append({**asdict(step), "memory": memory.slots})
print(json.dumps({"width": alone.REQUIREMENTS.width, "answers": answers}))
"""
CUP = place_in("cup_1", "basket_1_contain_region")


def written(text: str, folder: Path) -> Path:
    path = folder / "alone.py"
    path.write_text(text, "utf-8")
    return path


def played_alone(text: str, episodes: list, folder: Path) -> dict:
    """What the module says in a process that has nothing of ours."""
    written(text, folder)
    done = subprocess.run(
        [sys.executable, "-I", "-c", PLAY, str(folder)],
        input=json.dumps(episodes),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


EVERY_PREDICATE = program(all_(*(stage(name, random_atom(Random(2), name)) for name in PREDICATES)))


@pytest.mark.parametrize(
    "played",
    [
        program(CUP),
        EVERY_PREDICATE,
        *(random_program(Random(seed)) for seed in (3, 8, 21)),
    ],
    ids=["place_in", "every predicate", "random 3", "random 8", "random 21"],
)
def test_it_says_what_the_evaluator_says_without_the_evaluator(
    played: ir.Program, tmp_path: Path
) -> None:
    evaluator = compile(played)
    requirements = evaluator.requirements(KITCHEN)
    read = reader(requirements)
    episodes = [[read(world).values for world in wander(seed, 20)] for seed in range(3)]
    alone = played_alone(standalone(played, KITCHEN), episodes, tmp_path)
    reward_fn = evaluator.attach(rewardlang.Snapshot, KITCHEN, max_steps=15)
    expected = []
    for first, *rest in episodes:
        memory = reward_fn.reset(first)
        for now in rest:
            step, memory = reward_fn(now, memory)
            expected.append({**asdict(step), "memory": memory.slots})
    assert alone["width"] == requirements.width
    assert alone["answers"] == json.loads(json.dumps(expected))


@pytest.mark.parametrize("goal", [(), ("turnoff", STOVE), ("close", DRAWER)])
def test_the_scenes_own_goal_comes_along(goal: tuple[str, ...], tmp_path: Path) -> None:
    scene = KITCHEN.model_copy(update={"goal": (goal,) if goal else ()})
    played = program(stage("a", atom("grasped", "cup_1")))
    evaluator = compile(played)
    read = reader(evaluator.requirements(scene))
    worlds = wander(4, 30)
    alone = played_alone(
        standalone(played, scene), [[read(world).values for world in worlds]], tmp_path
    )
    reward_fn = evaluator.attach(read, scene, max_steps=15)
    answers = [answer["native_success"] for answer in alone["answers"]]
    assert answers == [reward_fn.native_success(world) for world in worlds[1:]]


@pytest.mark.parametrize("seed", range(12))
def test_every_name_in_it_is_defined(seed: int) -> None:
    """Of all kinds of facts, among them those that no made-up world can bind."""
    text = standalone(random_program(Random(seed)), KITCHEN)
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F,E9", "-"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_it_holds_what_the_program_needs_and_no_more() -> None:
    tree = ast.parse(standalone(program(stage("a", atom("grasped", "cup_1"))), KITCHEN))
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert {"in_region", "part_values", "bind_facts"} <= functions
    assert functions & {"tilt", "side_gap", "falling", "on_object", "stages"} == set()
    imported = {
        name
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [str(node.module)]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert {name.split(".")[0] for name in imported} - set(sys.stdlib_module_names) == {
        "numpy",
        "mujoco",  # for types alone
    }


def test_functions_are_taken_word_for_word() -> None:
    text = standalone(program(CUP), KITCHEN)
    for module in ("runtime/geometry.py", "runtime/degrees.py", "runtime/mujoco_state.py"):
        source = (Path(rewardlang.__file__).parent / module).read_text("utf-8")
        ours = {node.name: node for node in ast.parse(source).body if hasattr(node, "name")}
        theirs = {n.name: n for n in ast.parse(text).body if getattr(n, "name", None) in ours}
        assert theirs
        for name, node in theirs.items():
            assert ast.dump(node) == ast.dump(ours[name]), name


def test_the_program_in_it_is_the_one_that_compile_prints() -> None:
    played = program(CUP)
    body = emit(played).text.split("\n\n\ndef nothing", 1)[1]
    assert body in standalone(played, KITCHEN)


def test_equal_programs_give_equal_text() -> None:
    assert standalone(program(CUP), KITCHEN) == standalone(program(CUP), KITCHEN)


@pytest.mark.parametrize("nasty", ['"""; import os', "x\nimport os", "\\", "{boom}", "'"])
def test_no_name_of_a_program_or_scene_can_leave_its_place(nasty: str) -> None:
    scene = KITCHEN.model_copy(update={"task": nasty, "suite": nasty})
    named = program(seq(stage(nasty, atom("grasped", "cup_1"))))
    plain = program(seq(stage("tidy", atom("grasped", "cup_1"))))
    texts = (standalone(replace(named, task=nasty), scene), standalone(plain, KITCHEN))
    assert len({_without_words(text) for text in texts}) == 1


def _without_words(text: str) -> str:
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = "word"
    return ast.dump(tree)


def test_a_users_mistakes_are_said(tmp_path: Path) -> None:
    alone = imported(written(standalone(program(CUP), KITCHEN), tmp_path))
    with pytest.raises(ValueError, match="max_steps must be at least 1, not 0"):
        alone.Reward(max_steps=0)
    with pytest.raises(ValueError, match="a snapshot has 57 floats, not 3"):
        alone.Reward(max_steps=9).reset([0.0] * 3)


def imported(path: Path, name: str = "written_alone") -> Any:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where its dataclasses look for themselves
    spec.loader.exec_module(module)
    return module


def test_the_command_writes_it(tmp_path: Path) -> None:
    source = Path(__file__).parent / "cases" / "good_own_goal.rl"
    out = tmp_path / "reward.py"
    result = CliRunner().invoke(app, ["compile", "--standalone", "--out", str(out), str(source)])
    assert (result.exit_code, result.output) == (0, f"wrote {out}\n")
    analysis = rewardlang.analyze(source.read_text("utf-8"), name=str(source))
    assert analysis.program is not None
    scene = rewardlang.load_scene(analysis.program.scene)
    assert out.read_text("utf-8") == standalone(analysis.program, scene)


def test_it_binds_to_a_model_and_reads_what_the_evaluator_reads(tmp_path: Path) -> None:
    mujoco = pytest.importorskip("mujoco")
    from tests.rewardlang.test_mujoco_state import MODEL

    model = mujoco.MjModel.from_xml_string(MODEL)
    played = program(
        all_(
            CUP,
            stage("pull", atom("open", DRAWER)),
            stage("turn", atom("turned_on", STOVE)),
            stage("put", atom("on", "cup_1", "main_table_front_region")),
        )
    )
    alone = imported(written(standalone(played, KITCHEN), tmp_path))
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    reward = alone.Reward(max_steps=9, model=model)
    reward_fn = compile(played).bind(model, KITCHEN, max_steps=9)
    assert reward.values(data) == reward_fn.read(data).values
    with pytest.raises(alone.BindError, match="the model has no body `cup_1_main`"):
        alone.Reward(max_steps=9, model=mujoco.MjModel.from_xml_string("<mujoco/>"))


REPLAY = """
import sys
for name in ("rewardlang", "tgrpo", "libero", "robosuite"):
    sys.modules[name] = None
sys.path.insert(0, sys.argv[1])
import json, mujoco, numpy, alone
model = mujoco.MjModel.from_binary_path(sys.argv[2])
data = mujoco.MjData(model)
reward, memory, steps = alone.Reward(max_steps=280, model=model), None, []
for state in numpy.load(sys.argv[3]):
    data.qpos[:] = state
    mujoco.mj_forward(model, data)
    if memory is None:
        memory = reward.reset(data)
    else:
        step, memory = reward.step(data, memory)
        steps.append([step.reward, step.phi, step.success, step.native_success])
print(json.dumps(steps))
"""


@pytest.mark.sim
def test_in_liberos_model_it_pays_what_the_evaluator_pays(tmp_path: Path) -> None:
    import mujoco
    import numpy as np

    from tgrpo.libero_package import libero_path, make_environment

    task = "pick_up_the_alphabet_soup_and_place_it_in_the_basket"
    path = Path(__file__).parents[2] / "tasks" / "libero_object" / f"{task}.rl"
    played = rewardlang.analyze(path.read_text("utf-8"), name=path.name).program
    assert played is not None
    scene = rewardlang.load_scene(played.scene)
    env = make_environment(libero_path("bddl_files") / scene.suite / f"{scene.task}.bddl")
    try:
        env.seed(0)
        env.reset()
        model, data = env.env.sim.model._model, env.env.sim.data._data
        soup = model.jnt_qposadr[model.body("alphabet_soup_1_main").jntadr[0]]
        spots = [
            data.site(s).xpos.copy() for s in ("gripper0_grip_site", "basket_1_contain_region")
        ]
        qpos = np.repeat(data.qpos[None], 12, axis=0)
        qpos[3:7, soup : soup + 3] = spots[0]
        qpos[7:10, soup : soup + 3] = spots[0] + [0.0, 0.0, 0.05]
        qpos[10:, soup : soup + 3] = spots[1]
        reward_fn = rewardlang.compile(played).bind(model, scene, max_steps=280)
        memory, expected = None, []
        for state in qpos:
            data.qpos[:] = state
            mujoco.mj_forward(model, data)
            if memory is None:
                memory = reward_fn.reset(data)
            else:
                step, memory = reward_fn(data, memory)
                expected.append([step.reward, step.phi, step.success, step.native_success])
        np.save(tmp_path / "qpos.npy", qpos)
        mujoco.mj_saveModel(model, str(tmp_path / "model.mjb"), None)
    finally:
        env.close()
    assert expected[-1][2:] == [True, True]
    written(standalone(played, scene), tmp_path)
    files = [str(tmp_path), str(tmp_path / "model.mjb"), str(tmp_path / "qpos.npy")]
    done = subprocess.run(
        [sys.executable, "-I", "-c", REPLAY, *files], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [pytest.approx(step) for step in expected]
