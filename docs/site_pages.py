"""A hook of MkDocs: the pages that are made from the packages when the site is built.

Nothing of them is kept: codes, vocabulary, grammar and commands each stand in one place, and that
is in the code.
"""

from __future__ import annotations

import re
from importlib import resources

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from typer.cli import get_docs_for_click

import rewardlang.cli
import tgrpo.cli
from rewardlang.diagnostics import CODES, Severity
from rewardlang.inspecting import reference
from rewardlang.rules.pages import page

_EXAMPLES = re.compile(r"^[\b]?\n?(Examples?):\n((?:\n?  .*\n)+)", re.MULTILINE)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Called by MkDocs with the files it found; answers with these and the pages made here."""
    for path, text in generated_pages().items():
        files.append(File.generated(config, path, content=text))
    return files


def generated_pages() -> dict[str, str]:
    """Path below `docs/` -> Markdown."""
    return {
        "codes/index.md": _codes(),
        **{f"codes/{code}.md": page(code) for code in CODES},
        "reference/vocabulary.md": _vocabulary(),
        "reference/grammar.md": _grammar(),
        "reference/rewardlang.md": _command("rewardlang", rewardlang.cli.app),
        "reference/tgrpo.md": _command("tgrpo", tgrpo.cli.app),
    }


def _codes() -> str:
    """A table of all codes."""
    lines = [
        "# Codes",
        "",
        "What stands in `[ ]` in a message of `rewardlang check`. `rewardlang rule CODE` shows the "
        "same pages in the terminal.",
    ]
    for severity in Severity:
        lines += ["", f"## {severity.value.capitalize()}s", "", "| code | meaning |", "|---|---|"]
        lines += [
            f"| [{row.name}]({row.name}.md) | {row.summary} |"
            for row in CODES.values()
            if row.severity is severity
        ]
    return "\n".join(lines) + "\n"


def _vocabulary() -> str:
    head = (
        "# Vocabulary\n\nWhat programs can ask and use, from the table that the checker reads. "
        "`rewardlang vocabulary` prints it. [The language](language.md#conditions) says what kinds "
        "and degrees are.\n\n"
    )
    return head + reference.markdown(reference.entries())


def _grammar() -> str:
    text = resources.files("rewardlang.syntax").joinpath("grammar.lark").read_text("utf-8")
    return (
        "# Grammar\n\nThe file that the parser reads, in the notation of "
        "[Lark](https://lark-parser.readthedocs.io). `rewardlang grammar` prints it cut to a "
        "scene, for a language model's decoder.\n\n"
        f"```text\n{text}```\n"
    )


def _command(name: str, app: typer.Typer) -> str:
    """The help of a command and of all its subcommands."""
    command = typer.main.get_command(app)
    context = typer.Context(command, info_name=name)
    text = get_docs_for_click(obj=command, ctx=context, name=name, title=f"`{name}`")
    return _EXAMPLES.sub(_as_block, text)


def _as_block(examples: re.Match[str]) -> str:
    lines = [line.removeprefix("  ") for line in examples[2].splitlines() if line]
    return "\n".join([f"**{examples[1]}**:", "", "```console", *lines, "```", ""])
