"""Our answers -> the protocol's types."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lsprotocol import types as lsp

from rewardlang.diagnostics import Diagnostic, Label, Severity, one_of
from rewardlang.lsp.coloring import Color, colored
from rewardlang.lsp.completion import Completion, Completions, What
from rewardlang.lsp.document import Document
from rewardlang.lsp.edits import Edit
from rewardlang.lsp.fixes import Fix
from rewardlang.lsp.positions import Position, Positions
from rewardlang.lsp.symbols import Symbol
from rewardlang.source import Span

_SEVERITIES = {
    Severity.ERROR: lsp.DiagnosticSeverity.Error,
    Severity.WARNING: lsp.DiagnosticSeverity.Warning,
}
_ITEM_KINDS = {
    What.THING: lsp.CompletionItemKind.Variable,
    What.PREDICATE: lsp.CompletionItemKind.Function,
    What.MEASURE: lsp.CompletionItemKind.Function,
    What.MACRO: lsp.CompletionItemKind.Module,
    What.KEYWORD: lsp.CompletionItemKind.Keyword,
    What.UNIT: lsp.CompletionItemKind.Unit,
    What.QUANTITY: lsp.CompletionItemKind.Value,
    What.STRING: lsp.CompletionItemKind.Text,
}
_SYMBOL_KINDS = {
    "object": lsp.SymbolKind.Variable,
    "stage": lsp.SymbolKind.Event,
    "use": lsp.SymbolKind.Function,
    "keep": lsp.SymbolKind.Boolean,
    "penalty": lsp.SymbolKind.Boolean,
}
LEGEND = lsp.SemanticTokensLegend([color.value for color in Color], [])


@dataclass(frozen=True)
class Page:
    """A document as its editor counts it."""

    uri: str
    document: Document
    positions: Positions

    def offset(self, position: lsp.Position) -> int:
        return self.positions.offset(Position(position.line, position.character))

    def span(self, of: lsp.Range) -> Span:
        return Span(self.offset(of.start), self.offset(of.end))

    def range(self, span: Span) -> lsp.Range:
        start, end = self.positions.range(span)
        return lsp.Range(lsp.Position(start.line, start.column), lsp.Position(end.line, end.column))

    def location(self, span: Span) -> lsp.Location:
        return lsp.Location(self.uri, self.range(span))

    def diagnostic(self, found: Diagnostic) -> lsp.Diagnostic:
        unnecessary = [lsp.DiagnosticTag.Unnecessary] if found.code == "unused-object" else None
        return lsp.Diagnostic(
            self.range(found.span),
            _message(found),
            severity=_SEVERITIES[found.severity],
            code=found.code,
            source="rewardlang",
            tags=unnecessary,
            related_information=[self._related(label) for label in found.related] or None,
        )

    def edits(self, edits: Iterable[Edit]) -> list[lsp.TextEdit]:
        return [lsp.TextEdit(self.range(edit.span), edit.text) for edit in edits]

    def change(self, edits: Iterable[Edit]) -> lsp.WorkspaceEdit:
        return lsp.WorkspaceEdit(changes={self.uri: self.edits(edits)})

    def action(self, fix: Fix) -> lsp.CodeAction:
        return lsp.CodeAction(
            fix.title,
            kind=lsp.CodeActionKind.QuickFix,
            diagnostics=[self.diagnostic(fix.diagnostic)],
            is_preferred=fix.is_first,
            edit=self.change(fix.edits),
        )

    def completions(self, found: Completions, with_snippets: bool) -> lsp.CompletionList:
        where = self.range(found.span)
        items = [_item(item, order, where, with_snippets) for order, item in enumerate(found.items)]
        return lsp.CompletionList(is_incomplete=False, items=items)

    def symbol(self, symbol: Symbol) -> lsp.DocumentSymbol:
        return lsp.DocumentSymbol(
            name=symbol.name,
            kind=_SYMBOL_KINDS.get(symbol.word, lsp.SymbolKind.Namespace),
            range=self.range(symbol.span),
            selection_range=self.range(symbol.name_span),
            detail=" ".join(part for part in (symbol.word, symbol.detail) if part),
            children=[self.symbol(child) for child in symbol.children],
        )

    def colors(self) -> lsp.SemanticTokens:
        """Five numbers per name: lines and columns from the one before, length, type, modifiers."""
        data: list[int] = []
        line = column = 0
        for span, color in colored(self.document):
            start, end = self.positions.range(span)
            if start.line != line:
                column = 0
            kind = list(Color).index(color)
            data += [start.line - line, start.column - column, end.column - start.column, kind, 0]
            line, column = start.line, start.column
        return lsp.SemanticTokens(data)

    def _related(self, label: Label) -> lsp.DiagnosticRelatedInformation:
        return lsp.DiagnosticRelatedInformation(self.location(label.span), label.text)


def markdown(text: str) -> lsp.MarkupContent:
    return lsp.MarkupContent(lsp.MarkupKind.Markdown, text)


def _message(found: Diagnostic) -> str:
    """The sentence, the hint, what was probably meant, the notes: a line each.

    They are read as one where an editor has a single line for it: a `;` stands between them.
    """
    meant = f"did you mean {one_of(found.suggestions)}?" if found.suggestions else ""
    lines = [line for line in (found.message, found.hint, meant, *found.notes) if line]
    return "\n".join([*map(_to_be_continued, lines[:-1]), lines[-1]])


def _to_be_continued(line: str) -> str:
    return line if line.endswith((".", "?")) else f"{line};"


def _item(
    item: Completion, order: int, where: lsp.Range, with_snippets: bool
) -> lsp.CompletionItem:
    is_snippet = with_snippets and bool(item.snippet)
    return lsp.CompletionItem(
        label=item.text,
        kind=_ITEM_KINDS[item.what],
        detail=item.detail or None,
        documentation=markdown(item.doc) if item.doc else None,
        sort_text=f"{item.rank}{order:04}",
        filter_text=item.text,
        insert_text_format=(
            lsp.InsertTextFormat.Snippet if is_snippet else lsp.InsertTextFormat.PlainText
        ),
        text_edit=lsp.TextEdit(where, item.snippet if is_snippet else item.text),
    )
