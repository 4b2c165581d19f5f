"""Definition, references and rename."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from rewardlang import ir
from rewardlang.api import analyze
from rewardlang.checking.library import RESERVED
from rewardlang.lsp.document import Document
from rewardlang.lsp.edits import Edit, applied
from rewardlang.lsp.navigation import Refused, definition, references, renamable, rename
from rewardlang.lsp.roles import Role
from rewardlang.source import Source, Span
from tests.rewardlang.shipped import EXAMPLES, MILK, SHIPPED, name

TEXT = MILK.read_text("utf-8")


def meaning(value: Any, names: dict[str, str]) -> Any:
    """A checked program without its places, with the names of an older text put back.

    `use` makes the path of what it stands for from the alias.
    """
    if isinstance(value, Span):
        return None
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, tuple):
        return tuple(meaning(item, names) for item in value)
    if is_dataclass(value):
        return {f.name: meaning(getattr(value, f.name), names) for f in fields(value)}
    return value


def program(text: str) -> ir.Program:
    checked = analyze(text).program
    assert checked is not None
    return replace(checked, source=Source(""))


@pytest.mark.parametrize("path", [*SHIPPED[::3], *EXAMPLES], ids=name)
def test_rename_keeps_the_meaning(path: Path) -> None:
    text = path.read_text("utf-8")
    before = program(text)
    for alias, _ in before.aliases:
        offset = text.index(f"object {alias}") + len("object ")
        spans = rename(Document(Source(text)), offset, "a_new_name")
        assert isinstance(spans, tuple)
        after = program(applied(text, [Edit(span, "a_new_name") for span in spans]))
        paths = (node.path for node in ir.walk(after.root))
        put_back = {p: p.replace("a_new_name", alias) for p in (*paths, "a_new_name")}
        put_back |= {
            part: part.replace("a_new_name", alias) for p in put_back for part in p.split(".")
        }
        assert meaning(after, put_back) == meaning(before, {})


@pytest.mark.parametrize("path", [*SHIPPED[::3], *EXAMPLES], ids=name)
def test_every_use_leads_to_its_declaration_and_back(path: Path) -> None:
    document = Document(Source(path.read_text("utf-8")))
    declared = {d.alias.text: d.alias.span for d in document.declarations}
    for token, where in document.names:
        if where.role in (Role.ALIAS, Role.ARGUMENT) and token.text in declared:
            assert definition(document, token.span.start) == declared[token.text]
            assert token.span in references(document, token.span.end)
            assert references(document, token.span.start)[0] == declared[token.text]


def test_the_scene_s_name_leads_to_the_line_that_names_it() -> None:
    document = Document(Source(TEXT))
    assert definition(document, TEXT.index("milk_1")) == Span(
        TEXT.index("milk = "), TEXT.index("milk = ") + 4
    )
    assert definition(document, TEXT.index("near")) is None
    assert references(document, TEXT.index("stage")) == ()


def refusal(new: str, text: str = TEXT) -> str:
    answer = rename(Document(Source(text)), text.index("object milk") + 7, new)
    assert isinstance(answer, Refused), answer
    return answer.reason


@pytest.mark.parametrize("reserved", sorted(RESERVED))
def test_names_of_the_vocabulary_are_refused(reserved: str) -> None:
    assert f"`{reserved}` is the name of " in refusal(reserved)
    assert refusal(reserved).endswith("cannot be given to something else")


def test_words_of_the_language_are_refused() -> None:
    assert refusal("stage") == "`stage` is a word of the language"
    assert refusal("cm") == "`cm` is a unit"


@pytest.mark.parametrize("bad", ["", "a b", "2milk", "mil-k", "milk # x", '"milk"', "a" * 65, "{"])
def test_what_is_no_name_is_refused(bad: str) -> None:
    assert "name" in refusal(bad)


def test_upper_case_is_refused_with_the_reason() -> None:
    assert refusal("Milk") == "`Milk` is not a name: names are lower case"


def test_names_that_stand_for_something_else_are_refused() -> None:
    assert refusal("basket") == "`basket` already stands for something in this program"
    taken = refusal("butter_1")
    assert (
        taken == "`butter_1` is the name of another object of the scene and cannot be given "
        "to something else"
    )
    unknown = TEXT.replace("grasped(milk) for", "grasped(cup) for")
    assert "already stands" in refusal("cup", unknown)


def test_the_name_of_the_scene_s_own_object_may_be_its_alias() -> None:
    assert isinstance(
        rename(Document(Source(TEXT)), TEXT.index("object milk") + 7, "milk_1"), tuple
    )


def test_rename_works_while_the_program_is_broken() -> None:
    broken = TEXT.replace("seq {", "seq { stage {")
    offset = broken.index("lifted(milk") + len("lifted(")
    spans = rename(Document(Source(broken)), offset, "carton")
    assert isinstance(spans, tuple)
    assert applied(broken, [Edit(span, "carton") for span in spans]).count("carton") == len(spans)
    assert len(spans) == len(references(Document(Source(TEXT)), TEXT.index("object milk") + 7))


def test_what_cannot_be_renamed_says_why() -> None:
    document = Document(Source(TEXT))
    for marked, reason in (
        ("gripper", "the gripper is always called `gripper`"),
        ("milk_1", "`milk_1` is the scene's own name; `object` gives it another"),
        ("near", "only the names that `object` gives can be changed"),
        ("# A weight", "only the names that `object` gives can be changed"),
    ):
        assert renamable(document, TEXT.index(marked)) == Refused(reason)


def test_the_same_name_changes_nothing() -> None:
    assert rename(Document(Source(TEXT)), TEXT.index("object milk") + 7, "milk") == ()
