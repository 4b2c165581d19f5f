"""The tiny policy's network as torch modules, for learning.

    instruction words ─ Grounding ─┐ once per task
    object words ─ find themselves in the instruction ─ role of each object
    robot token + one token per object (pose features + name + role) ─ Trunk ─ robot token
    robot token ─ ActionHead: 7 dimensions of each action, one after the other, 256 bins each

`tiny_kernels` repeats `Trunk` and `ActionHead` for acting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from tgrpo.actions import NUM_BINS
from tgrpo.policies.features import OBJECT_FEATURES, ROBOT_FEATURES, state_features
from tgrpo.policies.vocabulary import LIBERO_WORDS
from tgrpo.trajectory import ACTION_DIM

MAX_WORDS = 48  # of an instruction; the rest is not read
_VALUE_FEATURES = 17


@dataclass(frozen=True, slots=True)
class TinyConfig:
    """The architecture; stored in every checkpoint."""

    width: int = 128
    layers: int = 2
    heads: int = 4
    head_width: int = 128
    word_width: int = 64
    words: tuple[str, ...] = LIBERO_WORDS
    unknown_word_buckets: int = 16
    chunk: int = 1  # actions of a decision

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
        if self.chunk < 1:
            raise ValueError(f"a chunk has at least one action, not {self.chunk}")

    @classmethod
    def from_architecture(cls, values: dict[str, Any]) -> Self:
        return cls(**{**values, "words": tuple(values.get("words", LIBERO_WORDS))})


@dataclass(frozen=True, slots=True)
class GroundedObjects:
    """What the words say: `summary` (width,) of the instruction, `objects` (K, width)."""

    summary: Tensor
    objects: Tensor


class Reading(nn.Module):
    """An instruction's words, and what each of them means among the others."""

    def __init__(self, config: TinyConfig, vocabulary: int) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary, config.word_width)
        self.enter = nn.Linear(config.word_width, config.width)
        self.places = nn.Parameter(torch.randn(MAX_WORDS, config.width) * 0.5)
        self.encoder = Block(config.width, config.heads)

    def encode(self, words: Tensor) -> Tensor:
        """Embeddings (n, word_width), in order, to (n, width)."""
        encoded: Tensor = self.encoder((self.enter(words) + self.places[: len(words)])[None])[0]
        return encoded


class Grounding(Reading):
    """Words to one vector per object: what it is called, and what the instruction says about it.

    Each word of an object's name looks for itself among the instruction's words by the cosine of
    their shared embeddings, with a bias that absorbs the attention when it is not there, and
    takes the encoder's output at that place: "the thing after `pick up`", "the thing after `in`".
    Random embeddings are nearly orthogonal, so the match works before any training.
    """

    def __init__(self, config: TinyConfig, vocabulary: int) -> None:
        super().__init__(config, vocabulary)
        self.sharpness = nn.Parameter(torch.tensor(12.0))
        self.absent = nn.Parameter(torch.tensor(6.0))
        self.role = nn.Linear(config.width, config.width)
        self.name = nn.Linear(config.word_width, config.width)

    def forward(self, instruction: Tensor, names: Tensor, present: Tensor) -> GroundedObjects:
        """Rows of the embedding table: `instruction` (n,) and, padded, `names` (K, m).

        `present` (K, m) is 1 where a name has a word.
        """
        words = self.words(instruction)
        encoded = self.encode(words)
        named = self.words(names)  # (K, m, word_width)
        attention = self._find(named, words)  # (K, m, n)
        share = (present / present.sum(dim=-1, keepdim=True).clamp_min(1)).unsqueeze(-1)
        attention = (attention * share).sum(dim=1)  # (K, n)
        mentioned = attention.sum(dim=-1, keepdim=True)
        objects = self.name((named * share).sum(dim=1)) + mentioned * self.role(attention @ encoded)
        return GroundedObjects(encoded.mean(dim=0), objects)

    def _find(self, named: Tensor, words: Tensor) -> Tensor:
        """Where each word of the names (K, m, w) stands among the instruction's (n, w)."""
        cosine = functional.normalize(named, dim=-1) @ functional.normalize(words, dim=-1).mT
        absent = self.absent.expand(*cosine.shape[:-1], 1)
        scores = torch.cat((self.sharpness * cosine, absent), dim=-1)
        return torch.softmax(scores, dim=-1)[..., :-1]


class Trunk(nn.Module):
    """Robot and objects to one vector per environment."""

    def __init__(self, config: TinyConfig) -> None:
        super().__init__()
        width = config.width
        self.robot = nn.Sequential(
            nn.Linear(ROBOT_FEATURES, width), nn.GELU(), nn.Linear(width, width)
        )
        self.object = nn.Linear(OBJECT_FEATURES, width)
        self.object_mlp = nn.Sequential(nn.GELU(), nn.Linear(width, width))
        self.blocks = nn.ModuleList(Block(width, config.heads) for _ in range(config.layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, words: GroundedObjects, robot: Tensor, objects: Tensor) -> Tensor:
        """(B, 9) and (B, K, 7) to (B, width). No gradient reaches the state."""
        robot_part, object_part = _features(robot, objects)
        robot_token = self.robot(robot_part) + words.summary
        object_tokens = self.object(object_part) + words.objects
        object_tokens = object_tokens + self.object_mlp(object_tokens)
        tokens = torch.cat((robot_token.unsqueeze(1), object_tokens), dim=1)
        for block in self.blocks[:-1]:
            tokens = block(tokens)
        return self.norm(self.blocks[-1](tokens, asked=1)[:, 0])


class Block(nn.Module):
    """Pre-norm self-attention and MLP over (B, tokens, width), no order among the tokens."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.merge = nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, tokens: Tensor, asked: int | None = None) -> Tensor:
        """(B, tokens, width), or (B, asked, width) where only the first `asked` are needed.

        Only the robot's token leaves the last block: computing no other saves a third of a pass.
        """
        mixed = self._attend(self.norm1(tokens), asked)
        tokens = tokens[:, :asked] + mixed
        return tokens + self.mlp(self.norm2(tokens))

    def _attend(self, tokens: Tensor, asked: int | None) -> Tensor:
        width = tokens.shape[-1]
        weight, bias = self.qkv.weight, self.qkv.bias  # rows: query, key, value
        query = functional.linear(tokens[:, :asked], weight[:width], bias[:width])
        key, value = functional.linear(tokens, weight[width:], bias[width:]).chunk(2, dim=-1)
        mixed = functional.scaled_dot_product_attention(
            self._heads(query), self._heads(key), self._heads(value)
        )
        return self.merge(mixed.transpose(1, 2).flatten(2))

    def _heads(self, tokens: Tensor) -> Tensor:
        """(B, tokens, width) to (B, heads, tokens, width / heads)."""
        batch, count, width = tokens.shape
        return tokens.view(batch, count, self.heads, width // self.heads).transpose(1, 2)


class ActionHead(nn.Module):
    """Seven distributions for each action of a chunk, each given the bins chosen before it.

    Within an action a dimension is told of the dimensions before it; from one action to the next
    all of the action before is told, and what came earlier only through it. So the actions of a
    chunk fit each other, and what a bin means is learnt once: `given`, `previous` and `out` are
    the same for every place in the chunk, `enter` is not. With one action there is no `previous`.

    A chosen bin enters through smooth features of its action value rather than through an
    embedding of its own: few demonstrations leave most of the 256 bins unseen.
    """

    bin_features: Tensor

    def __init__(self, config: TinyConfig) -> None:
        super().__init__()
        self.chunk, hidden = config.chunk, config.head_width
        self.enter = nn.Linear(config.width, self.chunk * ACTION_DIM * hidden)
        self.given = _tellers(ACTION_DIM - 1, hidden)
        self.out = nn.ModuleList(nn.Linear(hidden, NUM_BINS) for _ in range(ACTION_DIM))
        self.previous = _tellers(ACTION_DIM if self.chunk > 1 else 0, hidden)
        self.register_buffer("bin_features", _bin_features(), persistent=False)

    def forward(self, hidden: Tensor, tokens: Tensor) -> Tensor:
        """Logits (B, 7 K, 256), from the trunk's (B, width) and the `tokens` (B, 7 K)."""
        actions = tokens.reshape(-1, ACTION_DIM)  # a row for each action of each chunk
        values = self.bin_features[actions]
        told = self._of_previous(values)
        own = self.enter(hidden).view(len(actions), -1)
        logits = []
        for dimension, part in enumerate(own.chunk(ACTION_DIM, dim=-1)):
            logits.append(self.out[dimension](functional.gelu(part + told)))
            if dimension < len(self.given):
                told = told + self.given[dimension](values[:, dimension])
        return torch.stack(logits, dim=1).view(*tokens.shape, NUM_BINS)

    def _of_previous(self, values: Tensor) -> Tensor | float:
        """What each action is told of the one before it, from features (B K, 7, F) of all."""
        if not self.previous:
            return 0.0
        told = sum(self.previous[part](values[:, part]) for part in range(ACTION_DIM))
        chunks = told.view(-1, self.chunk, told.shape[-1])
        return functional.pad(chunks, (0, 0, 1, -1)).flatten(0, 1)  # nothing before the first


def _tellers(count: int, hidden: int) -> nn.ModuleList:
    """From the features of a chosen bin to what is told of it."""
    return nn.ModuleList(nn.Linear(_VALUE_FEATURES, hidden, bias=False) for _ in range(count))


def _features(robot: Tensor, objects: Tensor) -> tuple[Tensor, Tensor]:
    parts = state_features(robot.cpu().numpy(), objects.cpu().numpy())
    robot_part, object_part = (torch.from_numpy(part).to(robot.device) for part in parts)
    return robot_part, object_part


def _bin_features() -> Tensor:
    """(256, _VALUE_FEATURES): the bin's place in [-1, 1] and bumps over it."""
    places = torch.linspace(-1.0, 1.0, NUM_BINS)
    centres = torch.linspace(-1.0, 1.0, _VALUE_FEATURES - 1)
    spacing = 2.0 / (_VALUE_FEATURES - 2)
    bumps = torch.exp(-0.5 * ((places[:, None] - centres) / spacing) ** 2)
    return torch.cat((places[:, None], bumps), dim=1)
