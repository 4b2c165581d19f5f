"""SFT and two iterations of TGRPO on one task, from Python: the whole path in under a minute.

    python examples/train_one_task.py [RUN_DIR]

Far too short to learn much; the same call with the preset's own numbers is `tgrpo train`.
"""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

from tgrpo.cli.console import make_console
from tgrpo.cli.listeners import make_listener
from tgrpo.cli.report import print_paths, print_result
from tgrpo.layers import Layer, preset_layer, resolve
from tgrpo.programs import select
from tgrpo.training.run_folder import RunFolder
from tgrpo.training.trainer import train

SMALL = {
    "tasks.names": ["libero_object/pick_up_the_milk_and_place_it_in_the_basket"],
    "iterations": 2,
    "demonstrations.count": 3,
    "sft.steps": 250,
    "sft.batch_size": 64,
    "rollout.group_size": 4,
    "rollout.groups_per_iteration": 2,
    "evaluation.validate_every": 2,
    "evaluation.validation_episodes": 2,
    "evaluation.test_episodes": 4,
    "evaluation.batch_size": 4,
}


def main(run_dir: Path) -> None:
    config = resolve([preset_layer("quickstart"), Layer("example", SMALL)])
    programs = select(config.rewards, config.tasks).used
    folder = RunFolder.create(run_dir, "example", datetime.now())
    console = make_console()
    with make_listener(console) as listener:
        result = train(config, programs, folder, listener)
    print_result(console, result, config.algorithm)
    print_paths(console, [("run folder", folder.path)])


if __name__ == "__main__":  # worker processes import this file again
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("runs"))
