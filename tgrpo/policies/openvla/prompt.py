"""An instruction as token ids, and prompts of different length in one batch.

OpenVLA's tokens are Llama 2's. What is read is `tokenizer.json` by itself, with the library that
wrote it: what transformers makes of the same file depends on transformers' version.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

FILE = "tokenizer.json"
BOS = 1
LAST = 29871  # "▁": every prompt ended with it when the network was trained
_PADDING = 0  # any id: padding is masked
_OPENING = (1, 512, 29901, 1724, 3158, 881, 278, 19964, 2125, 304)
_CLOSING = (29973, 13, 3744, 29901)  # "?\nOut:"


def prompt_text(instruction: str) -> str:
    return f"In: What action should the robot take to {instruction.lower()}?\nOut:"


@dataclass(frozen=True, slots=True)
class PromptBatch:
    """B prompts: `ids` (B, L) and where they are not padding, `mask` (B, L) bool.

    BOS stands in column 0, then padding, then the text, so that image patches can be inserted
    behind BOS and all prompts end in the same column.
    """

    ids: Tensor
    mask: Tensor

    def __post_init__(self) -> None:
        assert self.ids.shape == self.mask.shape

    def to(self, device: torch.device) -> PromptBatch:
        return PromptBatch(self.ids.to(device), self.mask.to(device))


class PromptTokenizer:
    """Instructions to token ids. Can be pickled."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    def ids(self, instruction: str) -> tuple[int, ...]:
        """The prompt for one instruction, from BOS to token 29871."""
        text = prompt_text(instruction)
        ids = (BOS, *self._tokenizer.encode(text, add_special_tokens=False).ids)
        return ids if ids[-1] == LAST else (*ids, LAST)


def aligned(prompts: Sequence[Sequence[int]]) -> PromptBatch:
    """Prompts (each from BOS on, two tokens at least) as one batch."""
    longest = max(len(prompt) for prompt in prompts)
    ids = torch.full((len(prompts), longest), _PADDING, dtype=torch.int64)
    mask = torch.zeros((len(prompts), longest), dtype=torch.bool)
    for row, prompt in enumerate(prompts):
        text = len(prompt) - 1
        ids[row, 0], mask[row, 0] = prompt[0], True
        ids[row, longest - text :] = torch.tensor(prompt[1:])
        mask[row, longest - text :] = True
    return PromptBatch(ids, mask)


def read_tokenizer(folder: Path, vocabulary: int) -> tuple[PromptTokenizer | None, list[str]]:
    """The tokenizer in `folder`, and what is wrong with it: other ids than the network's."""
    path = folder / FILE
    if not path.is_file():
        return None, [f"no {FILE}; it is one of the published files"]
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing more special
        return None, [f"{FILE}: not a tokenizer: {error}"]
    tokenizer.no_padding()
    tokenizer.no_truncation()
    problems = [f"{FILE}: {problem}" for problem in _mismatches(tokenizer, vocabulary)]
    return (None, problems) if problems else (PromptTokenizer(tokenizer), [])


def _mismatches(tokenizer: Tokenizer, vocabulary: int) -> list[str]:
    problems = [
        f"token {word!r} has id {tokenizer.token_to_id(word)}, not {expected}"
        for word, expected in (("<s>", BOS), ("▁", LAST))
        if tokenizer.token_to_id(word) != expected
    ]
    if (largest := max(tokenizer.get_vocab().values(), default=0)) >= vocabulary:
        problems.append(f"its largest id is {largest}, the network knows {vocabulary} tokens")
    ids = PromptTokenizer(tokenizer).ids("open the drawer")
    opening, closing = ids[: len(_OPENING)], ids[-1 - len(_CLOSING) : -1]
    for what, found, expected in (
        ("opens", opening, _OPENING),
        ("closes", closing, _CLOSING),
    ):
        if found != expected:
            problems.append(
                f"a prompt {what} with {list(found)}, not with {list(expected)} as in Llama 2"
            )
    return problems
