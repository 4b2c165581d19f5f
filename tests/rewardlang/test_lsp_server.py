"""The server against a real language client over its standard input and output."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.lsp.client import LanguageClient

from rewardlang.api import analyze
from rewardlang.lsp.edits import Edit, applied
from rewardlang.lsp.positions import Encoding, Position, Positions
from rewardlang.source import Span
from tests.rewardlang.editor import PATIENCE, Editor, at
from tests.rewardlang.shipped import FAULTY, MILK

TEXT = MILK.read_text("utf-8")
BROKEN = TEXT.replace("grasped(milk) for", "grasped(milc) for")


@pytest.fixture(scope="module")
def editor() -> Iterator[Editor]:
    with Editor() as running:
        yield running


def marked(text: str, of: lsp.Range) -> str:
    """The text in a range that an editor was given."""
    positions = Positions(text)
    start, end = (positions.offset(Position(p.line, p.character)) for p in (of.start, of.end))
    return text[start:end]


def changed(text: str, edits: list[lsp.TextEdit]) -> str:
    """The text after an editor has made the edits."""
    positions = Positions(text)
    spans = [
        Span(
            *(positions.offset(Position(p.line, p.character)) for p in (e.range.start, e.range.end))
        )
        for e in edits
    ]
    return applied(text, [Edit(s, e.new_text) for s, e in zip(spans, edits, strict=True)])


# ---------------------------------------------------------------- diagnostics


def test_a_broken_program_is_told_where_it_is_wrong(editor: Editor) -> None:
    (found,) = editor.open(BROKEN)
    assert marked(BROKEN, found.range) == "milc"
    assert found.code == "unknown-object"
    assert found.severity is lsp.DiagnosticSeverity.Error
    assert found.source == "rewardlang"
    assert found.message == "`milc` is not in this scene;\ndid you mean `milk` (movable)?"


def test_diagnostics_follow_the_text(editor: Editor) -> None:
    assert len(editor.open(BROKEN)) == 1
    editor.change(TEXT)
    assert editor.diagnostics() == []
    editor.change(TEXT.replace("weight 2", "weight 0"))
    assert [found.code for found in editor.diagnostics()] == ["bad-weight", "bad-weight"]


def test_only_the_last_of_many_changes_is_checked(editor: Editor) -> None:
    editor.open(TEXT)
    before = len(editor.published)
    for number in range(30):
        editor.change(TEXT + f"# {number}\n")
    assert editor.diagnostics() == []
    assert len(editor.published) - before < 30


@pytest.mark.parametrize("path", FAULTY, ids=lambda path: path.stem)
def test_the_same_is_found_as_by_check(editor: Editor, path) -> None:
    text = path.read_text("utf-8")
    found = editor.open(text)
    expected = analyze(text).diagnostics
    assert [item.code for item in found] == [item.code for item in expected]
    positions = Positions(text)
    for item, diagnostic in zip(found, expected, strict=True):
        start, end = positions.range(diagnostic.span)
        assert (item.range.start.line, item.range.start.character) == (start.line, start.column)
        assert (item.range.end.line, item.range.end.character) == (end.line, end.column)


def test_a_second_place_is_told_too(editor: Editor) -> None:
    twice = TEXT.replace("object basket =", "object milk = butter_1\nobject basket =")
    found = next(item for item in editor.open(twice) if item.code == "duplicate-object")
    (related,) = found.related_information or ()
    assert related.message == "first here"
    assert marked(twice, related.location.range) == "milk"


def test_a_message_is_legible_on_one_line(editor: Editor) -> None:
    """As in a list of problems: each line but the last ends as a clause or a sentence does."""
    endings = {
        line[-1]
        for path in FAULTY
        for found in editor.open(path.read_text("utf-8"))
        for line in found.message.splitlines()[:-1]
    }
    assert endings == {";", "?", "."}


def test_a_closed_program_has_no_diagnostics(editor: Editor) -> None:
    assert len(editor.open(BROKEN)) == 1
    assert editor.close() == []
    assert editor.open(TEXT) == []


def test_columns_are_of_the_encoding_that_was_agreed_on(editor: Editor) -> None:
    assert column_of_a_sign(editor) == (Encoding.UTF16.value, 12)
    with Editor(encoding=Encoding.UTF8.value) as other:
        assert column_of_a_sign(other) == (Encoding.UTF8.value, 15)


def column_of_a_sign(editor: Editor) -> tuple[str, int]:
    """The encoding agreed on, and the column of the `;` as it is told."""
    text = TEXT.replace(TEXT.splitlines()[1], 'task "🥛 é" ;')
    found = next(item for item in editor.open(text) if item.code == "unknown-character")
    assert found.range.start.line == 1
    return editor.capabilities.position_encoding, found.range.start.character


# ---------------------------------------------------------------- questions


def test_completion_replaces_the_word(editor: Editor) -> None:
    editor.open(BROKEN)
    answer = editor.ask(lsp.TEXT_DOCUMENT_COMPLETION, position=at(BROKEN, "milc", 2))
    first = min(answer.items, key=lambda item: item.sort_text)
    assert first.label == "milk"
    assert changed(BROKEN, [first.text_edit]) == TEXT
    assert "**milk_1**" in first.documentation.value


@pytest.mark.parametrize(
    ("place", "typed", "offered"),
    [
        ("success bddl", "until near(gripper, ", True),
        ("object basket", "object juice = ", True),
        ("success bddl", "until near(gripper, milk) and ", False),
        ("object basket", "object ", False),
        ("success bddl", "stage turn weight 2 ", False),
    ],
)
def test_a_space_asks_only_where_a_thing_is_to_be_named(
    editor: Editor, place: str, typed: str, offered: bool
) -> None:
    text = TEXT[: TEXT.index(place)] + typed
    editor.open(text)
    end = at(text, typed, len(typed))
    context = {"triggerKind": lsp.CompletionTriggerKind.TriggerCharacter, "triggerCharacter": " "}
    by_space = editor.ask(lsp.TEXT_DOCUMENT_COMPLETION, position=end, context=context).items
    by_hand = editor.ask(lsp.TEXT_DOCUMENT_COMPLETION, position=end).items
    assert [*by_space] == ([*by_hand] if offered else [])
    assert ("butter_1" in {item.label for item in by_space}) == offered


def test_snippets_only_for_an_editor_that_has_them(editor: Editor) -> None:
    text = TEXT.replace("until near(gripper, milk)", "until ")
    where = at(text, "until ", 6)
    editor.open(text)
    plain = editor.ask(lsp.TEXT_DOCUMENT_COMPLETION, position=where).items
    assert {item.insert_text_format for item in plain} == {lsp.InsertTextFormat.PlainText}
    with Editor(snippets=True) as other:
        other.open(text)
        items = other.ask(lsp.TEXT_DOCUMENT_COMPLETION, position=where).items
        texts = {item.label: item.text_edit.new_text for item in items}
    assert texts["near"] == "near(${1:first}, ${2:second})"


def test_hover(editor: Editor) -> None:
    editor.open(TEXT)
    answer = editor.ask(lsp.TEXT_DOCUMENT_HOVER, position=at(TEXT, "near("))
    assert marked(TEXT, answer.range) == "near"
    assert "near(first, second[, within = 3 cm])" in answer.contents.value
    assert editor.ask(lsp.TEXT_DOCUMENT_HOVER, position=at(TEXT, "# A weight")) is None


def test_definition_and_references(editor: Editor) -> None:
    editor.open(TEXT)
    where = at(TEXT, "grasped(milk)", len("grasped("))
    found = editor.ask(lsp.TEXT_DOCUMENT_DEFINITION, position=where)
    assert found.range.start == lsp.Position(**at(TEXT, "object milk", len("object ")))
    assert marked(TEXT, found.range) == "milk"
    context = {"includeDeclaration": True}
    places = editor.ask(lsp.TEXT_DOCUMENT_REFERENCES, position=where, context=context)
    assert {marked(TEXT, place.range) for place in places} == {"milk"}
    others = editor.ask(
        lsp.TEXT_DOCUMENT_REFERENCES, position=where, context={"includeDeclaration": False}
    )
    assert [*places][1:] == [*others]


def test_a_name_is_marked_where_it_stands_for_the_thing(editor: Editor) -> None:
    """Not where the word is only written, as in a comment or in the instruction."""
    editor.open(TEXT)
    where = at(TEXT, "grasped(milk)", len("grasped("))
    context = {"includeDeclaration": True}
    places = editor.ask(lsp.TEXT_DOCUMENT_REFERENCES, position=where, context=context)
    found = editor.ask(lsp.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT, position=where)
    assert [item.range for item in found] == [place.range for place in places]
    assert len(found) < TEXT.count("milk")
    assert not editor.ask(lsp.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT, position=at(TEXT, "# A weight"))


def test_rename(editor: Editor) -> None:
    editor.open(TEXT)
    where = at(TEXT, "grasped(milk)", len("grasped("))
    prepared = editor.ask(lsp.TEXT_DOCUMENT_PREPARE_RENAME, position=where)
    assert marked(TEXT, prepared) == "milk"
    answer = editor.ask(lsp.TEXT_DOCUMENT_RENAME, position=where, newName="carton")
    (edits,) = answer.changes.values()
    renamed = changed(TEXT, edits)
    assert analyze(renamed).diagnostics == ()
    assert renamed.count("carton") == len(edits) > 5


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        ("near", "`near` is the name of a predicate and cannot be given to something else"),
        ("basket", "`basket` already stands for something in this program"),
        ("Milk", "`Milk` is not a name: names are lower case"),
    ],
)
def test_a_refused_name_comes_with_the_reason(editor: Editor, new: str, reason: str) -> None:
    editor.open(TEXT)
    where = at(TEXT, "object milk", len("object "))
    with pytest.raises(JsonRpcException, match=reason):
        editor.ask(lsp.TEXT_DOCUMENT_RENAME, position=where, newName=new)


def test_a_refusal_is_no_failure_of_the_server() -> None:
    with Editor() as own:
        own.open(TEXT)
        where = at(TEXT, "object milk", len("object "))
        with pytest.raises(JsonRpcException, match="is the name of a predicate"):
            own.ask(lsp.TEXT_DOCUMENT_RENAME, position=where, newName="near")
        with pytest.raises(JsonRpcException):
            own.ask(lsp.TEXT_DOCUMENT_HOVER, textDocument={"uri": "file:///no.rl"}, position=where)
    assert "predicate" not in own.log
    assert "no.rl" in own.log


def test_formatting(editor: Editor) -> None:
    messy = TEXT.replace(" = ", "=").replace("  stage", "stage")
    editor.open(messy)
    options = {"tabSize": 2, "insertSpaces": True}
    assert changed(messy, editor.ask(lsp.TEXT_DOCUMENT_FORMATTING, options=options)) == TEXT
    editor.change(TEXT)
    assert not editor.ask(lsp.TEXT_DOCUMENT_FORMATTING, options=options)


def test_a_quick_fix_does_away_with_the_error(editor: Editor) -> None:
    (found,) = editor.open(BROKEN)
    place = {"start": at(BROKEN, "milc"), "end": at(BROKEN, "milc", 4)}
    (action,) = editor.ask(lsp.TEXT_DOCUMENT_CODE_ACTION, range=place, context={"diagnostics": []})
    assert action.title == "Change `milc` to `milk`"
    assert action.kind == lsp.CodeActionKind.QuickFix
    assert [*action.diagnostics] == [found]
    (edits,) = action.edit.changes.values()
    editor.change(changed(BROKEN, edits))
    assert editor.diagnostics() == []


def test_the_outline(editor: Editor) -> None:
    editor.open(TEXT)
    *objects, root = editor.ask(lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    assert [item.name for item in objects] == ["milk", "basket"]
    assert [child.name for child in root.children] == ["reach", "grasp", "lift", "carry", "lower"]
    assert root.children[1].detail == "stage weight 2"


def test_semantic_tokens_cover_the_names(editor: Editor) -> None:
    editor.open(TEXT)
    data = editor.ask(lsp.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL).data
    legend = editor.capabilities.semantic_tokens_provider.legend.token_types
    lines, line, column, shown = TEXT.splitlines(), 0, 0, []
    for down, right, length, kind, _ in zip(*[iter(data)] * 5, strict=True):
        line, column = line + down, right + (0 if down else column)
        shown.append((lines[line][column : column + length], legend[kind]))
    assert shown[:4] == [
        ("milk", "variable"),
        ("milk_1", "enumMember"),
        ("basket", "variable"),
        ("basket_1_contain_region", "enumMember"),
    ]
    assert ("near", "function") in shown


# ---------------------------------------------------------------- robustness


def test_every_beginning_of_a_program(editor: Editor) -> None:
    """Each is asked about where somebody types; the server answers all, and lives."""
    editor.open("")
    for end in range(0, len(TEXT), 17):
        text = TEXT[:end]
        editor.change(text)
        end_of_text = Positions(text).position(end)
        where = {"line": end_of_text.line, "character": end_of_text.column}
        editor.ask(lsp.TEXT_DOCUMENT_COMPLETION, position=where)
        editor.ask(lsp.TEXT_DOCUMENT_HOVER, position=where)
        editor.ask(lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    assert editor.is_running
    editor.change(TEXT)
    assert editor.diagnostics() == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\ufeff",
        "}" * 500,
        "(" * 5000,
        '"',
        "\x00\ud7ff🥛\r\r\n",
        "rewardlang 1\n" * 300,
        "a" * 70_000,
        "rewardlang 1 seq { stage a { until near(" + "a, " * 20_000,
        "rewardlang 1 stage a { until near(" + "handle(" * 9_000,
    ],
    ids=[
        "nothing",
        "mark",
        "braces",
        "parentheses",
        "quote",
        "odd",
        "headers",
        "long",
        "names",
        "handles",
    ],
)
def test_garbage(editor: Editor, text: str) -> None:
    assert editor.open(text)
    where = {"line": 0, "character": len(text) // 2}
    editor.ask(lsp.TEXT_DOCUMENT_COMPLETION, position=where)
    editor.ask(lsp.TEXT_DOCUMENT_HOVER, position=where)
    editor.ask(lsp.TEXT_DOCUMENT_DEFINITION, position=where)
    editor.ask(lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    editor.ask(lsp.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL)
    assert editor.open(TEXT) == []


def test_a_question_about_a_program_that_is_not_open_is_an_error_and_no_end(editor: Editor) -> None:
    nowhere = {"uri": "file:///nowhere/at_all.rl"}
    with pytest.raises(JsonRpcException):
        editor.ask(lsp.TEXT_DOCUMENT_HOVER, textDocument=nowhere, position=at("a", "a"))
    assert editor.open(TEXT) == []


# ---------------------------------------------------------------- the command


def test_the_server_listens_on_a_port() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "rewardlang", "lsp", "--tcp", str(port)]
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        assert asyncio.run(_name_of_server(port)) == "rewardlang"
    finally:
        server.terminate()
        server.wait(PATIENCE)


async def _name_of_server(port: int) -> str:
    client = LanguageClient("tests", "1")
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                await client.start_tcp("127.0.0.1", port)
                break
            except OSError:
                await asyncio.sleep(0.05)
        params = lsp.InitializeParams(capabilities=lsp.ClientCapabilities())
        answer = await client.initialize_async(params)
        await client.shutdown_async(None)
        client.exit(None)
        await client.stop()
    return answer.server_info.name


def test_a_port_in_use_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "rewardlang", "lsp", "--tcp", str(port)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: cannot listen on port {port}: ")
    assert "Traceback" not in done.stderr


def test_without_pygls_the_command_names_the_extra() -> None:
    code = (
        "import sys; sys.modules['pygls'] = None; sys.argv = ['rewardlang', 'lsp'];"
        "from rewardlang.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert done.stderr == "error: the language server needs pygls: pip install 'rewardlang[lsp]'\n"
