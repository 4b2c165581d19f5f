"""A network in the published layout, so that OpenVLA's own code can read what was trained here.

The new folder is the old one with other numbers: the same shards, the same tensors in the same
precision, and a copy of every other file, remote code and processors included. Tensors that this
package does not use are the file's, byte for byte.
"""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from tgrpo.files import UNFINISHED, telling_of_room
from tgrpo.policies.openvla import names
from tgrpo.policies.openvla.published import Published
from tgrpo.policies.openvla.shards import Shard

Weights = Callable[[str], Tensor]  # our name of a parameter -> its value


def save_pretrained(weights: Weights, published: Published, folder: Path) -> Path:
    """Write `weights` in the layout of `published` to `folder`, which must not exist or be empty.

    A shard is held at a time. Raises FileExistsError, DiskFullError, OSError.
    """
    with new_folder(folder) as unfinished:
        _write(weights, published, unfinished)
    return folder


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A folder to write to, which is `folder` once the block has ended well, and gone otherwise.

    Raises FileExistsError where something is in `folder` already, DiskFullError, OSError.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(
            errno.EEXIST, "something is there already; a new folder is asked for", str(folder)
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with telling_of_room(folder):
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=folder.name, suffix=UNFINISHED))
        try:
            yield temporary
            temporary.chmod(0o755)  # mkdtemp's default would hide it from other users
            temporary.replace(folder)
        except BaseException:  # Ctrl-C too leaves no half-written folder
            shutil.rmtree(temporary)
            raise


def _write(weights: Weights, published: Published, folder: Path) -> None:
    for shard in published.shards:
        _write_shard(weights, published, shard, folder / shard.path.name)
    written = {shard.path.name for shard in published.shards}
    for path in published.folder.iterdir():
        if path.is_file() and path.name not in written:
            shutil.copyfile(path, folder / path.name)


def _write_shard(weights: Weights, published: Published, shard: Shard, path: Path) -> None:
    places = names.places(published.shapes)
    with safe_open(shard.path, framework="pt", device="cpu") as file:
        metadata = file.metadata()
    tensors = {}
    for name, old in shard.tensors():
        place = places.get(name)
        if place is None:
            tensors[name] = old
        else:
            merged = names.merge(place.form, [weights(ours).detach() for ours in place.ours])
            tensors[name] = merged.to("cpu", old.dtype).contiguous()
    save_file(tensors, path, metadata)
