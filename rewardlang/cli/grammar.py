"""`rewardlang grammar`: the grammar of programs, for constrained decoding."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated, assert_never

import typer

from rewardlang.cli.console import found_scene


class GrammarFormat(StrEnum):
    """The notations that `grammar` prints."""

    LARK = "lark"
    GBNF = "gbnf"
    JSON_SCHEMA = "json-schema"


def grammar(
    scene_id: Annotated[
        str | None,
        typer.Option("--scene", metavar="SCENE", help="Only programs for this scene."),
    ] = None,
    form: Annotated[
        GrammarFormat, typer.Option("--format", help="The notation.")
    ] = GrammarFormat.LARK,
) -> None:
    """Print a grammar that a language model's decoder can be held to.

    What it accepts is bounded in length, and with --scene it has no unknown name, wrong kind or
    wrong unit: at most 8192 characters, so that a limit of 8192 tokens cuts nothing off. Things go
    by the scene's names, without `object` lines and comments.

    \b
    lark         llguidance, and OpenAI's custom tools
    gbnf         llama.cpp's server, SGLang, vLLM (which call it EBNF), xgrammar
    json-schema  structured outputs in strict mode, for what knows no grammar

    \b
    Examples:
      rewardlang grammar
      rewardlang grammar --format gbnf \\
        --scene libero_object/pick_up_the_milk_and_place_it_in_the_basket
    """
    from rewardlang.grammars.build import build
    from rewardlang.grammars.print_gbnf import gbnf
    from rewardlang.grammars.print_json_schema import json_schema
    from rewardlang.grammars.print_lark import lark

    built = build(found_scene(scene_id) if scene_id else None)
    match form:
        case GrammarFormat.LARK:
            typer.echo(lark(built), nl=False)
        case GrammarFormat.GBNF:
            typer.echo(gbnf(built), nl=False)
        case GrammarFormat.JSON_SCHEMA:
            typer.echo(json.dumps(json_schema(built), indent=2))
        case _:
            assert_never(form)
