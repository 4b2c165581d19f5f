"""Makes the helper modules of these tests importable as `tests.tgrpo.…`."""

import contextlib
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

# Torch's first optimiser imports triton, whose LLVM crashes where Mesa's, which draws without a
# GPU, was loaded before it in the same process. The other way round they get along.
with contextlib.suppress(ImportError):
    import triton  # noqa: F401 - loaded, and that is all

# As the command does (tgrpo/cli/app.py): waiting threads of torch leave the core to the simulators.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
