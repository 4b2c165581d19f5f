"""Which LIBERO task does a sentence mean? Exact after normalisation, otherwise the nearest."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from pathlib import Path

from rewardlang.scene import Scene, known_scenes
from rewardlang.scene.folders import users_folders

ACCEPTED = 0.6  # similarity from which the nearest task may be the one that was meant
TIE = 0.02  # similarities closer than this fit equally well
MISSPELT = 0.75  # share of common characters from which one word is another one misspelt


@dataclass(frozen=True)
class Match:
    """A task and how near its instruction is, in [0, 1]; 1 is equal after normalisation."""

    scene: Scene
    similarity: float


def find(instruction: str) -> tuple[Match, ...]:
    """The tasks that fit best: one where it is clear, several where they fit equally well.

    Empty where nothing that speaks of the same things reaches `ACCEPTED`. An exact match leaves
    no room for near ones.
    """
    fitting = [match for match in rank(instruction) if _may_be_meant(instruction, match)]
    if not fitting:
        return ()
    best = fitting[0].similarity
    slack = 0.0 if best == 1.0 else TIE
    return tuple(match for match in fitting if match.similarity >= best - slack)


def measure(instruction: str, scene: Scene) -> Match:
    """How near an instruction is to the nearest of a scene's own, by which the match goes."""
    said = normalise(instruction)
    matches = (
        Match(scene.told(own), similarity(said, normalise(own))) for own in scene.instructions
    )
    return max(matches, key=lambda match: match.similarity)


def _may_be_meant(instruction: str, match: Match) -> bool:
    if match.similarity == 1:
        return True
    ours = set(normalise(instruction).split())
    theirs = set(normalise(match.scene.instruction).split())
    nouns = _nouns(users_folders())
    return (
        match.similarity >= ACCEPTED
        and ours & nouns <= theirs
        and all(any(_misspelt(noun, word) for word in ours) for noun in theirs & nouns)
    )


def _misspelt(word: str, written: str) -> bool:
    return SequenceMatcher(None, word, written, autojunk=False).ratio() >= MISSPELT


def rank(instruction: str) -> tuple[Match, ...]:
    """Every task of the catalogue, nearest first; ties in the catalogue's order."""
    matches = (measure(instruction, scene) for scene in _scenes(users_folders()))
    return tuple(sorted(matches, key=lambda match: -match.similarity))


def nearest(instruction: str, count: int = 3) -> tuple[str, ...]:
    """The nearest instructions, each once."""
    return tuple(dict.fromkeys(match.scene.instruction for match in rank(instruction)))[:count]


def normalise(instruction: str) -> str:
    """Lower case, words separated by one space, no punctuation. Underscores separate words."""
    return " ".join(re.findall(r"[a-z0-9]+", instruction.lower()))


def similarity(first: str, second: str) -> float:
    """Mean of two views of normalised sentences, in [0, 1]; 1 only for equal ones.

    Shared words, weighted by how rare they are among LIBERO's instructions (`milk` says more
    than `the`), and shared runs of characters, which forgive misspelling. The Dice coefficient
    2 |A and B| / (|A| + |B|) in both; two empty sentences are equal.
    """
    if first == second:
        return 1.0
    ours, theirs = Counter(first.split()), Counter(second.split())
    total = _weight(ours) + _weight(theirs)
    words = 2 * _weight(ours & theirs) / total if total else 0.0
    letters = SequenceMatcher(None, first, second, autojunk=False).ratio()
    return min((words + letters) / 2, 1 - 1e-9)


def _weight(words: Counter[str]) -> float:
    rarity, unknown = _rarity(users_folders())
    return sum(rarity.get(word, unknown) * count for word, count in words.items())


@lru_cache(maxsize=4)
def _rarity(folders: tuple[Path, ...]) -> tuple[dict[str, float], float]:
    """Inverse document frequency of each word of the catalogue, and of a word not in it."""
    sentences = [set(normalise(scene.instruction).split()) for scene in _scenes(folders)]
    seen = Counter(word for sentence in sentences for word in sentence)
    total = len(sentences)
    return {word: math.log(1 + total / count) for word, count in seen.items()}, math.log(2 + total)


@lru_cache(maxsize=4)
def _nouns(folders: tuple[Path, ...]) -> frozenset[str]:
    """The last word of each category: `bowl`, `soup`, `cabinet`."""
    things = (item for scene in _scenes(folders) for item in scene.objects)
    return frozenset(item.category.split("_")[-1] for item in things)


@lru_cache(maxsize=4)
def _scenes(folders: tuple[Path, ...]) -> tuple[Scene, ...]:  # noqa: ARG001 - the key of the cache
    """Those of the catalogue and of the user's `folders`."""
    return tuple(known_scenes())
