"""Where a checkpoint lies: a folder here, or one that huggingface_hub brings here."""

from __future__ import annotations

import re
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError

from tgrpo.checkpoint import CheckpointError

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
# *.py is kept for saving, never run; *.pt are OpenVLA-OFT's components: without them a checkpoint
# of continuous actions would look like one of tokens.
_PARTS = ["*.json", "*.safetensors", "*.model", "*.py", "*.pt"]


def local_folder(checkpoint: str) -> Path:
    """The folder that `checkpoint` names: its path, or an id on the Hugging Face hub.

    What was downloaded once is found again without a network. Raises CheckpointError.
    """
    path = Path(checkpoint).expanduser()
    if path.exists():
        return path.resolve()
    if not _HUB_ID.fullmatch(checkpoint):
        raise CheckpointError(f"{checkpoint}: no such folder; expected a checkpoint of OpenVLA")
    try:
        return Path(snapshot_download(checkpoint, allow_patterns=_PARTS))
    except (HfHubHTTPError, OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise CheckpointError(
            f"{checkpoint}: no such folder here, and it cannot be had from the Hugging Face hub: "
            f"{reason}\nWhere there is a network: hf download {checkpoint} --local-dir FOLDER; "
            "then --policy openvla:FOLDER"
        ) from error
