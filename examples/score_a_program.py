"""What a reward program says of an episode, step by step, on the real simulator.

    python examples/score_a_program.py [PROGRAM.rl]

The scripted demonstrator acts; the program only looks on. Prints where each stage begins, Φ along
the way and the return. Try it again after you have changed a weight.
"""

from __future__ import annotations

import sys
from pathlib import Path

import rewardlang
from tgrpo.scripted.demonstrator import Demonstrator
from tgrpo.simulation.envs import Simulation
from tgrpo.simulation.initial_states import load_states
from tgrpo.tasks import find_task

DEFAULT = "tasks/libero_object/pick_up_the_milk_and_place_it_in_the_basket.rl"


def main(path: Path) -> int:
    text = path.read_text(encoding="utf-8")
    analysis = rewardlang.analyze(text, name=str(path))
    if analysis.program is None:
        print(rewardlang.render(analysis.diagnostics, rewardlang.Source(text, str(path))))
        return 1
    task = find_task(analysis.program.scene)
    simulation = Simulation(task)
    reward_fn = rewardlang.compile(analysis.program).bind(
        simulation.model, simulation.scene, max_steps=task.max_steps
    )

    observation = simulation.reset(load_states(task, "validation")[0])
    demonstrator = Demonstrator(simulation)
    memory = reward_fn.reset(simulation.data)
    total, shown = 0.0, ()
    print(f"{task.id}\n\n step     Φ  working on")
    for number in range(1, task.max_steps + 1):
        observation = simulation.step(demonstrator.act(observation))
        step, memory = reward_fn(simulation.data, memory)
        total += step.reward
        if step.stages != shown or step.success:
            shown = step.stages
            print(f"{number:5}  {step.phi:.2f}  {'success' if step.success else ', '.join(shown)}")
        if step.success:
            break
    print(f"\nreturn {total:.3f} after {number} steps")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else DEFAULT)))
