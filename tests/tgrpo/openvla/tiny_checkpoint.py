"""The tiny golden checkpoint as a whole folder: with a tokenizer, in one file or in shards."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

GOLDEN = Path(__file__).parents[1] / "golden" / "openvla_tiny"
WEIGHTS = "model.safetensors"

# Llama 2's ids of the words of every prompt, and of the golden one.
_IDS = {
    "<unk>": 0, "<s>": 1, "</s>": 2, "\n": 13, "▁": 29871, ":": 29901, "?": 29973, "Out": 3744,
    "▁In": 512, "▁What": 1724, "▁action": 3158, "▁should": 881, "▁the": 278, "▁robot": 19964,
    "▁take": 2125, "▁to": 304, "▁pick": 5839, "▁up": 701, "▁milk": 16500,
}  # fmt: skip
_OTHER_WORDS = 5840  # ids of words that only these tests' instructions have


def make_checkpoint(folder: Path, *, words: Iterable[str] = ()) -> Path:
    """The golden checkpoint with the number of heads and a tokenizer that also knows `words`."""
    folder.mkdir(parents=True)
    shutil.copyfile(GOLDEN / WEIGHTS, folder / WEIGHTS)
    shutil.copyfile(GOLDEN / "config.json", folder / "config.json")
    edit_json(folder / "config.json", lambda table: table.update(vision_attention_heads=[4, 4]))
    make_tokenizer(words).save(str(folder / "tokenizer.json"))
    return folder


def make_tokenizer(words: Iterable[str] = (), **ids: int) -> Tokenizer:
    """Llama 2's ids for the words it knows; `ids` replace those of some words."""
    vocabulary = dict(_IDS)
    for index, word in enumerate(sorted(set(words))):
        vocabulary.setdefault(f"▁{word}", _OTHER_WORDS + index)
    tokenizer = Tokenizer(models.WordLevel(vocabulary | ids, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("▁?[A-Za-z]+|[^A-Za-z]"), "isolated")
    tokenizer.add_special_tokens(["<s>"])
    return tokenizer


def make_shards(folder: Path, count: int) -> list[Path]:
    """The weights of `folder` as `count` files with an index, as large checkpoints have them."""
    tensors = load_file(folder / WEIGHTS)
    (folder / WEIGHTS).unlink()
    names = sorted(tensors)
    paths, index = [], {}
    for number in range(count):
        path = folder / f"model-{number + 1:05}-of-{count:05}.safetensors"
        part = {name: tensors[name] for name in names[number::count]}
        save_file(part, path, {"format": "pt"})
        index |= dict.fromkeys(part, path.name)
        paths.append(path)
    (folder / f"{WEIGHTS}.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}))
    return paths


def edit_json(path: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    table = json.loads(path.read_text(encoding="utf-8"))
    edit(table)
    path.write_text(json.dumps(table), encoding="utf-8")


def edit_weights(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    tensors = load_file(folder / WEIGHTS)
    edit(tensors)
    save_file(tensors, folder / WEIGHTS, {"format": "pt"})
