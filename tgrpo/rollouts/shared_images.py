"""Images of a worker's slots, in memory that the worker shares with the process that asks it.

A pipe would carry each image through two copies of pickled bytes; here the worker writes it where
the other process reads it. The memory is anonymous: it has no name in /dev/shm that could be left
there, and the kernel frees it with the last of the two processes, however they end. Its descriptor
travels through the pipe, in front of the first command that needs it.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import reduction
from multiprocessing.connection import Connection

import numpy as np

from tgrpo.trajectory import Camera, Images


@dataclass(frozen=True, slots=True)
class Layout:
    """One image of every camera for each of `slots`."""

    slots: tuple[int, ...]
    cameras: tuple[Camera, ...]

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(len(self.slots) * int(np.prod(camera.shape)) for camera in self.cameras)


class SharedImages:
    """What one of the two processes sees of the memory behind `descriptor`, which it may close."""

    def __init__(self, layout: Layout, descriptor: int):
        self.layout = layout
        self._row = {slot: row for row, slot in enumerate(layout.slots)}
        self._images: dict[str, np.ndarray] = {}
        memory, offset = mmap.mmap(descriptor, layout.size), 0
        for camera in layout.cameras:
            shape = (len(layout.slots), *camera.shape)
            self._images[camera.name] = np.ndarray(shape, np.uint8, memory, offset)
            offset += int(np.prod(shape))

    def write(self, slots: Sequence[int], images: Images) -> None:
        """Put the images (n, H, W, 3) of `slots` where the other process reads them."""
        rows = [self._row[slot] for slot in slots]
        for name, batch in images.items():
            self._images[name][rows] = batch

    def read(self, slots: Sequence[int]) -> Images:
        """Copies (n, H, W, 3) of the images of `slots`: the worker writes on."""
        rows = [self._row[slot] for slot in slots]
        return {name: images[rows] for name, images in self._images.items()}


def share(connection: Connection, layout: Layout) -> SharedImages:
    """Make the memory and send it to the process at the other end, which must `receive` it.

    Raises OSError where that process is gone, or memory is short.
    """
    descriptor = os.memfd_create("tgrpo-images")
    try:
        os.ftruncate(descriptor, layout.size)
        shared = SharedImages(layout, descriptor)
        connection.send(layout)
        reduction.send_handle(connection, descriptor, None)
        return shared
    finally:
        os.close(descriptor)


def receive(connection: Connection, layout: Layout) -> SharedImages:
    """What `share` has sent, after `layout` was read from the pipe."""
    descriptor = reduction.recv_handle(connection)
    try:
        return SharedImages(layout, descriptor)
    finally:
        os.close(descriptor)
