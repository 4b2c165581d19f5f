"""Words of LIBERO's instructions and object names, and what becomes of the others.

The list covers the instructions, objects and fixtures of the five suites (spatial, object, goal,
10, 90). Any other word falls into one of a few hash buckets, so that a new instruction still has
a meaning where it shares words with the old ones.
"""

from __future__ import annotations

import re
import zlib
from functools import cache

LIBERO_WORDS = tuple(
    re.findall(
        r"[a-z]+",
        """
        akita alphabet and at back basket bbq between black book both bottle bottom bowl box
        butter cabinet caddy center cheese chefmate chocolate close coffee compartment cookie
        cookies cream desk drawer dressing flat floor from front frying frypan glazed in inside
        it juice ketchup kitchen layer left living main microwave middle milk moka mug new next
        of off on open orange pan pick place plate porcelain pot pots pudding push put rack
        ramekin red rim right room salad sauce scene shelf soup stack stove study table the them
        to tomato top tray turn two under up white wine wooden yellow
        """,
    )
)

_WORD = re.compile(r"[a-z]+")


def split_words(text: str) -> tuple[str, ...]:
    """Lower-case words of an instruction or of a name such as `akita_black_bowl_1`.

    Digits are dropped. An instance number is bookkeeping of the scene file; in libero_spatial it
    would even give the goal away, where the bowl to move is always number 1.
    """
    return tuple(_WORD.findall(text.lower()))


class Vocabulary:
    """Word -> row of an embedding table: the known words, then `buckets` rows for the others."""

    def __init__(self, words: tuple[str, ...], buckets: int) -> None:
        self._index = {word: row for row, word in enumerate(words)}
        self._buckets = buckets

    def __len__(self) -> int:
        return len(self._index) + self._buckets

    def row(self, word: str) -> int:
        known = self._index.get(word)
        if known is not None:
            return known
        return len(self._index) + zlib.crc32(word.encode()) % self._buckets

    def rows(self, text: str) -> list[int]:
        return [self.row(word) for word in split_words(text)]


@cache
def object_words(name: str, category: str) -> str:
    """The words of an object: its category's, then those only its name has."""
    words = dict.fromkeys(split_words(category) + split_words(name))
    return " ".join(words)
