"""Snapshots of a live MuJoCo simulation: names become ids once, then one pass per control step.

Imports mujoco, as only the readers of models beside it do. Positions and rotations are read as
the last `mj_forward` or `mj_step` left them, joint values as they are: exactly what LIBERO's own
predicates read.
"""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

from rewardlang.runtime.model_names import Binding, bind_facts
from rewardlang.scene import Scene
from rewardlang.state import Requirements, Snapshot

Floats = NDArray[np.float64]


class SnapshotReader:
    """Reads the facts of `requirements` from the data of one model.

    Raises BindError, naming everything that the model lacks. A reader owns its buffers: one per
    thread.
    """

    def __init__(self, model: mujoco.MjModel, scene: Scene, requirements: Requirements) -> None:
        bound = bind_facts(model, scene, requirements)
        # the buffer holds one stretch per array that is read, then contacts, then what is constant
        lengths = [len(indices) for indices in bound.indices.values()]
        self._buffer = np.zeros(sum(lengths) + len(bound.pairs) + len(bound.constants))
        ends = np.cumsum([*lengths, len(bound.pairs)])
        stretches = np.split(self._buffer, ends)
        self._arrays = [
            (name, np.array(indices, dtype=np.intp), stretch)
            for (name, indices), stretch in zip(bound.indices.items(), stretches, strict=False)
        ]
        self._contacts = _ContactTable(model.ngeom, bound, stretches[-2]) if bound.pairs else None
        stretches[-1][:] = bound.constants
        self._order = np.array(bound.order(requirements.width), dtype=np.intp)
        self._joints = bound.joints

    def read(self, data: mujoco.MjData) -> Snapshot:
        """What is true now, as `requirements` orders it."""
        for name, indices, stretch in self._arrays:
            getattr(data, name).take(indices, out=stretch, mode="clip")
        if self._contacts is not None:
            self._contacts.read(data)
        values = self._buffer.take(self._order).tolist()
        if self._joints:
            qpos = data.qpos
            for part in self._joints:
                numbers = part.values([float(qpos[address]) for address in part.addresses])
                values[part.offset : part.offset + len(numbers)] = numbers
        return Snapshot(values)


class _ContactTable:
    """Which of the required contacts exist, in one look-up per contact of the simulator.

    Every pair of geoms belongs to a class: the set of facts that its touching makes true.
    """

    def __init__(self, geoms: int, bound: Binding, out: Floats) -> None:
        involved = sorted(frozenset().union(*(a | b for a, b in bound.pairs)))
        at = {geom: index for index, geom in enumerate(involved)}
        touches = np.zeros((len(bound.pairs), len(involved), len(involved)), dtype=bool)
        for fact, (first, second) in enumerate(bound.pairs):
            block = np.ix_([at[geom] for geom in first], [at[geom] for geom in second])
            touches[fact][block] = True
            touches[fact].T[block] = True
        classes, of_pair = np.unique(
            touches.reshape(len(bound.pairs), -1), axis=1, return_inverse=True
        )
        table = np.zeros((geoms, geoms), dtype=np.intp)  # class 0: of no interest
        table[np.ix_(involved, involved)] = of_pair.reshape(touches.shape[1:]) + 1
        self._of_pair = table.reshape(-1)
        self._facts = np.vstack([np.zeros(len(bound.pairs)), classes.T]).astype(np.float64)
        self._counted_twice = bool((self._facts.sum(axis=0) > 1.0).any())
        self._seen = np.zeros(len(self._facts))
        self._row = np.array([geoms, 1], dtype=np.int32)
        self._out = out

    def read(self, data: mujoco.MjData) -> None:
        self._seen.fill(0.0)
        self._seen[self._of_pair.take(data.contact.geom.dot(self._row))] = 1.0
        np.dot(self._seen, self._facts, out=self._out)
        if self._counted_twice:
            np.minimum(self._out, 1.0, out=self._out)
