"""The language server's side of the protocol: which answer belongs to which request.

Documents are sent whole: they are small, and the two sides cannot drift apart. Diagnostics follow
a change as soon as nothing more is typed for `QUIET` seconds, and name the version they are of.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, TypeVar

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer

from rewardlang import __version__
from rewardlang.lsp import navigation, translation
from rewardlang.lsp.completion import complete
from rewardlang.lsp.document import Document
from rewardlang.lsp.edits import Edit, formatted
from rewardlang.lsp.fixes import fixes
from rewardlang.lsp.hover import hover
from rewardlang.lsp.navigation import Refused
from rewardlang.lsp.positions import Encoding, Positions
from rewardlang.lsp.symbols import symbols
from rewardlang.lsp.translation import LEGEND, Page
from rewardlang.source import Source

QUIET = 0.005  # seconds without a change before the text is checked
TRIGGERS = ["(", ",", '"', "=", " "]  # after these an editor asks what may follow
BEFORE_A_SPACE = (",", "=")  # only behind these, for a list at every space would be in the way

_T = TypeVar("_T")

_log = logging.getLogger(__name__)


class _Refusal(JsonRpcInvalidParams):
    """What is asked for cannot be had: an answer with its reason, and no failure of the server."""


class Server(LanguageServer):
    """A language server with the programs that are open in the editor."""

    def __init__(self) -> None:
        super().__init__(
            "rewardlang", __version__, text_document_sync_kind=lsp.TextDocumentSyncKind.Full
        )
        self._pages: dict[str, Page] = {}
        self._waiting: dict[str, asyncio.TimerHandle] = {}

    def page(self, uri: str) -> Page:
        """The document as it is now."""
        text = self.workspace.get_text_document(uri).source
        known = self._pages.get(uri)
        if known is None or known.document.source.text != text:
            encoding = Encoding(self.workspace.position_encoding or Encoding.UTF16.value)
            known = Page(uri, Document(Source(text, uri)), Positions(text, encoding))
            self._pages[uri] = known
        return known

    def check_soon(self, uri: str) -> None:
        """Publish the diagnostics once nothing more is typed."""
        self._stop_waiting(uri)
        loop = asyncio.get_running_loop()
        self._waiting[uri] = loop.call_later(QUIET, self.check, uri)

    def check(self, uri: str) -> None:
        """Publish the diagnostics; whatever goes wrong is told, and the server lives on."""
        self._stop_waiting(uri)
        try:
            page = self.page(uri)
            found = [page.diagnostic(item) for item in page.document.analysis.diagnostics]
            version = self.workspace.get_text_document(uri).version
            self.text_document_publish_diagnostics(
                lsp.PublishDiagnosticsParams(uri, found, version)
            )
        except Exception:  # called by a timer: nobody else would hear of it, and the server goes on
            _log.exception("cannot check %s", uri)

    def forget(self, uri: str) -> None:
        """The document was closed: nothing more is said of it."""
        self._stop_waiting(uri)
        self._pages.pop(uri, None)
        self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, []))

    @property
    def takes_snippets(self) -> bool:
        """Whether the editor can put in text with places to fill in."""
        text = self.client_capabilities.text_document
        item = text.completion.completion_item if text and text.completion else None
        return bool(item and item.snippet_support)

    def _stop_waiting(self, uri: str) -> None:
        waiting = self._waiting.pop(uri, None)
        if waiting:
            waiting.cancel()


def make_server() -> Server:
    """A server that has not started yet."""
    server = Server()
    for method, (answer, options) in _FEATURES.items():
        server.feature(method, options)(answer)
    return server


def serve(port: int | None = None, host: str = "127.0.0.1") -> None:
    """Serve on standard input and output, or on `port`, until the editor leaves.

    Raises OSError where the port cannot be had.
    """
    logging.getLogger("pygls.protocol.json_rpc").addFilter(_is_failure)
    server = make_server()
    if port is None:
        server.start_io()
    else:
        server.start_tcp(host, port)


def _opened(ls: Server, params: lsp.DidOpenTextDocumentParams) -> None:
    ls.check(params.text_document.uri)


def _changed(ls: Server, params: lsp.DidChangeTextDocumentParams) -> None:
    ls.check_soon(params.text_document.uri)


def _closed(ls: Server, params: lsp.DidCloseTextDocumentParams) -> None:
    ls.forget(params.text_document.uri)


def _complete(ls: Server, params: lsp.CompletionParams) -> lsp.CompletionList:
    page = ls.page(params.text_document.uri)
    offset = page.offset(params.position)
    context = params.context
    if context and context.trigger_character == " " and not _opens_a_place(page, offset):
        return lsp.CompletionList(is_incomplete=False, items=[])
    return page.completions(complete(page.document, offset), ls.takes_snippets)


def _opens_a_place(page: Page, offset: int) -> bool:
    """Whether the space before `offset` is where a thing or an argument is to be written."""
    return page.document.source.text[:offset].rstrip(" ").endswith(BEFORE_A_SPACE)


def _hover(ls: Server, params: lsp.HoverParams) -> lsp.Hover | None:
    page = ls.page(params.text_document.uri)
    found = hover(page.document, page.offset(params.position))
    return lsp.Hover(translation.markdown(found.text), page.range(found.span)) if found else None


def _define(ls: Server, params: lsp.DefinitionParams) -> lsp.Location | None:
    page = ls.page(params.text_document.uri)
    span = navigation.definition(page.document, page.offset(params.position))
    return page.location(span) if span else None


def _refer(ls: Server, params: lsp.ReferenceParams) -> list[lsp.Location]:
    page = ls.page(params.text_document.uri)
    offset = page.offset(params.position)
    spans = navigation.references(page.document, offset)
    if not params.context.include_declaration:
        declared = navigation.definition(page.document, offset)
        spans = tuple(span for span in spans if span != declared)
    return [page.location(span) for span in spans]


def _highlight(ls: Server, params: lsp.DocumentHighlightParams) -> list[lsp.DocumentHighlight]:
    page = ls.page(params.text_document.uri)
    spans = navigation.references(page.document, page.offset(params.position))
    return [lsp.DocumentHighlight(page.range(span)) for span in spans]


def _prepare_rename(ls: Server, params: lsp.PrepareRenameParams) -> lsp.Range:
    page = ls.page(params.text_document.uri)
    return page.range(_allowed(navigation.renamable(page.document, page.offset(params.position))))


def _rename(ls: Server, params: lsp.RenameParams) -> lsp.WorkspaceEdit:
    page = ls.page(params.text_document.uri)
    offset = page.offset(params.position)
    spans = _allowed(navigation.rename(page.document, offset, params.new_name))
    return page.change(Edit(span, params.new_name) for span in spans)


def _allowed(answer: _T | Refused) -> _T:
    """The answer; a refusal goes to the editor as its reason."""
    if isinstance(answer, Refused):
        raise _Refusal(answer.reason)
    return answer


def _is_failure(record: logging.LogRecord) -> bool:
    """Whether a line of pygls's log is about more than a refusal, whose reason the editor shows."""
    return not (record.exc_info and isinstance(record.exc_info[1], _Refusal))


def _format(ls: Server, params: lsp.DocumentFormattingParams) -> list[lsp.TextEdit]:
    page = ls.page(params.text_document.uri)
    return page.edits(formatted(page.document))


def _fix(ls: Server, params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
    page = ls.page(params.text_document.uri)
    return [page.action(fix) for fix in fixes(page.document, page.span(params.range))]


def _outline(ls: Server, params: lsp.DocumentSymbolParams) -> list[lsp.DocumentSymbol]:
    page = ls.page(params.text_document.uri)
    return [page.symbol(symbol) for symbol in symbols(page.document)]


def _color(ls: Server, params: lsp.SemanticTokensParams) -> lsp.SemanticTokens:
    return ls.page(params.text_document.uri).colors()


_FEATURES: dict[str, tuple[Callable[..., Any], Any]] = {
    lsp.TEXT_DOCUMENT_DID_OPEN: (_opened, None),
    lsp.TEXT_DOCUMENT_DID_CHANGE: (_changed, None),
    lsp.TEXT_DOCUMENT_DID_CLOSE: (_closed, None),
    lsp.TEXT_DOCUMENT_COMPLETION: (_complete, lsp.CompletionOptions(TRIGGERS)),
    lsp.TEXT_DOCUMENT_HOVER: (_hover, None),
    lsp.TEXT_DOCUMENT_DEFINITION: (_define, None),
    lsp.TEXT_DOCUMENT_REFERENCES: (_refer, None),
    lsp.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT: (_highlight, None),
    lsp.TEXT_DOCUMENT_PREPARE_RENAME: (_prepare_rename, None),
    lsp.TEXT_DOCUMENT_RENAME: (_rename, lsp.RenameOptions(prepare_provider=True)),
    lsp.TEXT_DOCUMENT_FORMATTING: (_format, None),
    lsp.TEXT_DOCUMENT_CODE_ACTION: (
        _fix,
        lsp.CodeActionOptions([lsp.CodeActionKind.QuickFix]),
    ),
    lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL: (_outline, None),
    lsp.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL: (_color, LEGEND),
}
