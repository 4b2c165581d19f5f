"""Makes the helper modules of these tests importable as `tests.tgrpo.…`."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

# As the command does (tgrpo/cli/app.py): waiting threads of torch leave the core to the simulators.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
