"""The tiny policy's forward pass and its draws as compiled loops over rows, for acting on a CPU.

A row's arithmetic never looks at another row and has an order of its own: what an environment is
answered does not depend, to the bit, on who else is asked. All arrays are float32 and contiguous.
`tests/tgrpo/test_tiny_policy.py` holds these loops to the torch modules they repeat.
"""

# numba, not mypy, knows the types of its functions' arguments.
# mypy: disallow-untyped-defs=False

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple

import numba
import numpy as np

# Sums may be regrouped into vectors and fused into multiply-adds; NaN and infinity stay what they
# are.
_njit = partial(
    numba.njit,
    cache=True,
    nogil=True,
    error_model="numpy",
    fastmath={"contract", "reassoc", "nsz"},
)

_TILE = 16  # rows that share a walk over a weight matrix: their results stay in the L1 cache
_NORM_EPSILON = np.float32(1e-5)  # nn.LayerNorm's

# Φ of the normal distribution at nodes 1/16 apart, and its density there.
_REACH, _NODES_PER_UNIT = 6.0, 16.0
_NODES = np.linspace(-_REACH, _REACH, int(2 * _REACH * _NODES_PER_UNIT) + 1)
_CDF = np.array([0.5 * math.erfc(-x / math.sqrt(2.0)) for x in _NODES], dtype=np.float32)
_DENSITY = (np.exp(-0.5 * _NODES**2) / math.sqrt(2.0 * math.pi)).astype(np.float32)


class Linear(NamedTuple):
    """x @ `weight` (in, out) + `bias` (out,); or a stack of them, with one axis more in front."""

    weight: np.ndarray
    bias: np.ndarray


class Norm(NamedTuple):
    """Layer norm's `scale` and `shift` (width,); or a stack of them."""

    scale: np.ndarray
    shift: np.ndarray


class BlockWeights(NamedTuple):
    """Of `tiny_network.Block`, stacked over the layers."""

    norm1: Norm
    query: Linear
    key_value: Linear
    merge: Linear
    norm2: Norm
    up: Linear
    down: Linear


class HeadWeights(NamedTuple):
    """Of `tiny_network.ActionHead`."""

    enter: Linear
    given: np.ndarray  # (6, 256, hidden): what a chosen bin tells the dimensions after it
    previous: np.ndarray  # (7, 256, hidden): what it tells the next action; (0, …) without one
    out: Linear  # stacked over the dimensions


class Weights(NamedTuple):
    """Of `tiny_network.Trunk` and `ActionHead`.

    Stacks instead of tuples: one compiled version for every number of layers.
    """

    robot: Linear
    robot_mlp: Linear
    object: Linear
    object_mlp: Linear
    blocks: BlockWeights
    norm: Norm
    head: HeadWeights


@_njit()
def act(weights, heads, summary, names, robot, objects, uniforms, temperature):
    """`choose` for B environments.

    `summary` (width,) and `names` (K, width) are what the words say, `robot` (B, F) and `objects`
    (B, K, G) features.
    """
    seen = trunk(weights, heads, summary, names, robot, objects)
    return choose(weights.head, seen, uniforms, temperature)


@_njit()
def choose(weights, seen, uniforms, temperature):
    """Tokens (B, 7 K) int64 and their log-probs (B, 7 K) at `temperature`, of chunks of K actions.

    `seen` (B, width) float32 is what a trunk makes of each environment. Without rows in `uniforms`
    the likeliest bins are taken.
    """
    rows, dimensions = len(seen), len(weights.out.bias)
    own = linear(seen, weights.enter)
    width = weights.out.weight.shape[1]
    count = own.shape[1] // width
    tokens = np.empty((rows, count), np.int64)
    log_probs = np.empty((rows, count), np.float32)
    told = np.zeros((rows, width), np.float32)
    hidden = np.empty((rows, width), np.float32)
    cdf = np.empty(weights.out.bias.shape[1])
    for place in range(count):
        dimension = place % dimensions
        if place and dimension == 0:
            tell_next(told, tokens[:, place - dimensions : place], weights.previous)
        for row in range(rows):
            for i in range(width):
                hidden[row, i] = own[row, place * width + i] + told[row, i]
        gelu(hidden)
        logits = linear(hidden, one_linear(weights.out, dimension))
        for row in range(rows):
            token = cumulate(logits[row], temperature, cdf)
            peak = logits[row, token]
            if len(uniforms):
                token = draw(cdf, uniforms[row, place])
            tokens[row, place] = token
            log_probs[row, place] = (logits[row, token] - peak) / temperature - math.log(cdf[-1])
            if dimension < len(weights.given):
                for i in range(width):
                    told[row, i] += weights.given[dimension, token, i]
    return tokens, log_probs


@_njit()
def tell_next(told, action, previous):
    """What an action `told` (B, hidden) its own dimensions gives way to what it tells the next."""
    for row in range(told.shape[0]):
        for i in range(told.shape[1]):
            told[row, i] = 0.0
            for dimension in range(len(previous)):
                told[row, i] += previous[dimension, action[row, dimension], i]


@_njit()
def trunk(weights, heads, summary, names, robot, objects):
    """Features of robot (B, F) and objects (B, K, G) to (B, width), as `tiny_network.Trunk`."""
    rows, count, features = objects.shape
    width = len(summary)
    robot_tokens = linear(robot, weights.robot)
    gelu(robot_tokens)
    robot_tokens = linear(robot_tokens, weights.robot_mlp)
    object_tokens = linear(objects.reshape(rows * count, features), weights.object)
    more = np.empty_like(object_tokens)
    for row in range(rows * count):
        for i in range(width):
            object_tokens[row, i] += names[row % count, i]
            more[row, i] = object_tokens[row, i]
    gelu(more)
    more = linear(more, weights.object_mlp)
    tokens = np.empty((rows * (count + 1), width), np.float32)
    for row in range(rows):
        first = row * (count + 1)
        for i in range(width):
            tokens[first, i] = robot_tokens[row, i] + summary[i]
        for item in range(row * count, (row + 1) * count):
            for i in range(width):
                tokens[item + row + 1, i] = object_tokens[item, i] + more[item, i]
    layers = len(weights.blocks.merge.bias)
    for layer in range(layers):
        asked = 1 if layer == layers - 1 else count + 1
        tokens = block(tokens, weights.blocks, layer, heads, count + 1, asked)
    return layer_norm(tokens, weights.norm)


@_njit()
def block(tokens, blocks, layer, heads, count, asked):
    """Of each `count` tokens that attend to each other, the first `asked`, as `Block`."""
    normed = layer_norm(tokens, one_norm(blocks.norm1, layer))
    query = linear(first_of_each(normed, count, asked), one_linear(blocks.query, layer))
    key_value = linear(normed, one_linear(blocks.key_value, layer))
    mixed = attend(query, key_value, heads, count, asked)
    kept = first_of_each(tokens, count, asked)
    add(kept, linear(mixed, one_linear(blocks.merge, layer)))
    hidden = linear(layer_norm(kept, one_norm(blocks.norm2, layer)), one_linear(blocks.up, layer))
    gelu(hidden)
    add(kept, linear(hidden, one_linear(blocks.down, layer)))
    return kept


@_njit()
def one_linear(stack, number):
    """Layer `number` of a stack."""
    return Linear(stack.weight[number], stack.bias[number])


@_njit()
def one_norm(stack, number):
    """Layer `number` of a stack."""
    return Norm(stack.scale[number], stack.shift[number])


@_njit()
def add(x, change):
    """x += change, both (rows, width)."""
    for row in range(x.shape[0]):
        for i in range(x.shape[1]):
            x[row, i] += change[row, i]


@_njit()
def first_of_each(tokens, count, asked):
    """Of every `count` rows the first `asked`."""
    rows, width = len(tokens) // count * asked, tokens.shape[1]
    kept = np.empty((rows, width), np.float32)
    for row in range(rows):
        source = row // asked * count + row % asked
        for i in range(width):
            kept[row, i] = tokens[source, i]
    return kept


@_njit()
def attend(query, key_value, heads, count, asked):
    """Scaled dot-product attention of `asked` queries to `count` keys within each group."""
    width = query.shape[1]
    head = width // heads
    scale = np.float32(1.0 / math.sqrt(head))
    mixed = np.zeros_like(query)
    scores = np.empty(count, np.float32)
    for row in range(len(query)):
        first = row // asked * count
        for start in range(0, width, head):
            peak = np.float32(-np.inf)
            for other in range(count):
                score = np.float32(0.0)
                for i in range(start, start + head):
                    score += query[row, i] * key_value[first + other, i]
                scores[other] = score * scale
                peak = max(peak, scores[other])
            total = np.float32(0.0)
            for other in range(count):
                scores[other] = math.exp(scores[other] - peak)
                total += scores[other]
            for other in range(count):
                share = scores[other] / total
                for i in range(start, start + head):
                    mixed[row, i] += share * key_value[first + other, width + i]
    return mixed


@_njit()
def linear(x, layer):
    """(rows, in) to (rows, out).

    Four rows of the weights at a time: an output is loaded and stored once for four of its terms.
    """
    rows, depth = x.shape
    weight, bias = layer.weight, layer.bias
    width = len(bias)
    out = np.empty((rows, width), np.float32)
    for start in range(0, rows, _TILE):
        stop = min(start + _TILE, rows)
        for row in range(start, stop):
            for j in range(width):
                out[row, j] = bias[j]
        for k in range(0, depth - 3, 4):
            w0, w1, w2, w3 = weight[k], weight[k + 1], weight[k + 2], weight[k + 3]
            for row in range(start, stop):
                x0, x1, x2, x3 = x[row, k], x[row, k + 1], x[row, k + 2], x[row, k + 3]
                y = out[row]
                for j in range(width):
                    y[j] += x0 * w0[j] + x1 * w1[j] + x2 * w2[j] + x3 * w3[j]
        for k in range(depth - depth % 4, depth):
            for row in range(start, stop):
                for j in range(width):
                    out[row, j] += x[row, k] * weight[k, j]
    return out


@_njit()
def layer_norm(x, norm):
    """Each row of (rows, width) to mean 0 and variance 1, then scale and shift."""
    rows, width = x.shape
    out = np.empty_like(x)
    for row in range(rows):
        total = np.float32(0.0)
        for i in range(width):
            total += x[row, i]
        mean = total / np.float32(width)
        square = np.float32(0.0)
        for i in range(width):
            square += (x[row, i] - mean) * (x[row, i] - mean)
        inverse = np.float32(1.0) / np.sqrt(square / np.float32(width) + _NORM_EPSILON)
        for i in range(width):
            out[row, i] = (x[row, i] - mean) * inverse * norm.scale[i] + norm.shift[i]
    return out


@_njit()
def gelu(x):
    """x Φ(x) in place. Φ by its Taylor series of third order around the nearest node: to 3e-8.

    Φ' = φ, Φ'' = -x φ, Φ''' = (x² - 1) φ.
    """
    one, half, sixth = np.float32(1.0), np.float32(0.5), np.float32(1.0 / 6.0)
    reach, per_unit = np.float32(_REACH), np.float32(_NODES_PER_UNIT)
    for row in range(x.shape[0]):
        for i in range(x.shape[1]):
            value = x[row, i]
            near = min(value if value > -reach else -reach, reach)  # NaN has a node too
            index = np.int32((near + reach) * per_unit + half)
            node = np.float32(index) / per_unit - reach
            d = near - node
            bend = one - d * (half * node - d * sixth * (node * node - one))
            x[row, i] = value * (_CDF[index] + d * _DENSITY[index] * bend)


@_njit()
def cumulate(logits, temperature, cdf):
    """Fill the CDF (n,) of softmax(logits (n,) / temperature), times a constant; the likeliest bin.

    In float64: in float32 the last bins of a CDF would be off by more than their mass.
    """
    best = 0
    for i in range(1, len(logits)):
        if logits[i] > logits[best]:
            best = i
    total = 0.0
    for i in range(len(logits)):
        total += math.exp((np.float64(logits[i]) - np.float64(logits[best])) / temperature)
        cdf[i] = total
    return best


@_njit()
def draw(cdf, uniform):
    """The bin k with cdf[k-1] <= `uniform` cdf[-1] < cdf[k]. It never has probability zero."""
    # uniform < 1, but the product can round up to cdf[-1]: then the last bin with mass is meant.
    token = 0
    while cdf[token] <= uniform * cdf[-1] and cdf[token] < cdf[-1]:
        token += 1
    return token
