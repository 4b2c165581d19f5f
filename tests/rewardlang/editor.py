"""An editor for tests: a real language client that starts `rewardlang lsp` and talks to it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, Self

from lsprotocol import types as lsp
from pygls.lsp.client import LanguageClient
from pygls.protocol import default_converter

URI = "file:///programs/milk.rl"
PATIENCE = 90.0  # seconds that an answer may take on a busy machine


class Editor:
    """A client and its server, driven step by step.

    published: the diagnostics that came in, in order. log: what the server wrote to its standard
    error, once it has ended.
    """

    def __init__(self, *, snippets: bool = False, encoding: str = "utf-16"):
        self._loop = asyncio.new_event_loop()
        self._client = LanguageClient("tests", "1")
        self._version = 0
        self.published: list[lsp.PublishDiagnosticsParams] = []
        self.log = ""
        receive = self._client.feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        receive(lambda params: self.published.append(params))
        self._capabilities = lsp.ClientCapabilities(
            general=lsp.GeneralClientCapabilities(position_encodings=[encoding]),
            text_document=lsp.TextDocumentClientCapabilities(
                rename=lsp.RenameClientCapabilities(prepare_support=True),
                completion=lsp.CompletionClientCapabilities(
                    completion_item=lsp.ClientCompletionItemOptions(snippet_support=snippets)
                ),
            ),
        )

    def __enter__(self) -> Self:
        self._run(self._client.start_io(sys.executable, "-m", "rewardlang", "lsp"))
        params = lsp.InitializeParams(capabilities=self._capabilities)
        self.capabilities = self._run(self._client.initialize_async(params)).capabilities
        self._client.initialized(lsp.InitializedParams())
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._client.shutdown_async(None))
        self._client.exit(None)
        self.log = self._run(self._client._server.stderr.read()).decode()
        self._run(self._client.stop())
        self._loop.close()

    @property
    def is_running(self) -> bool:
        """Whether the server's process lives."""
        return self._client._server.returncode is None

    def open(self, text: str) -> list[lsp.Diagnostic]:
        """Open the program; what is wrong with it."""
        self._version += 1
        item = lsp.TextDocumentItem(URI, "rewardlang", self._version, text)
        self._client.text_document_did_open(lsp.DidOpenTextDocumentParams(item))
        return self.diagnostics()

    def change(self, text: str) -> None:
        """Replace the text; does not wait."""
        self._version += 1
        self._client.text_document_did_change(
            lsp.DidChangeTextDocumentParams(
                lsp.VersionedTextDocumentIdentifier(self._version, URI),
                [lsp.TextDocumentContentChangeWholeDocument(text)],
            )
        )

    def diagnostics(self) -> list[lsp.Diagnostic]:
        """What is wrong with the newest version of the text."""
        self._run(self._until_published(self._version))
        return list(self.published[-1].diagnostics)

    def close(self) -> list[lsp.Diagnostic]:
        """Close the program; what is still said of it."""
        document = lsp.TextDocumentIdentifier(URI)
        self._client.text_document_did_close(lsp.DidCloseTextDocumentParams(document))
        self._run(self._until_published(None))
        return list(self.published[-1].diagnostics)

    def ask(self, method: str, **params: Any) -> Any:
        """The answer to a `textDocument/…` request. Raises what the server answers as an error."""
        plain = {"textDocument": {"uri": URI}, **params}
        request = default_converter().structure(plain, lsp.METHOD_TO_TYPES[method][2])
        return self._run(self._answer(method, request))

    async def _answer(self, method: str, request: object) -> Any:
        return await self._client.protocol.send_request_async(method, request)

    async def _until_published(self, version: int | None) -> None:
        while not self.published or self.published[-1].version != version:
            await asyncio.sleep(0.001)

    def _run(self, task: Coroutine[Any, Any, Any]) -> Any:
        return self._loop.run_until_complete(asyncio.wait_for(task, PATIENCE))


def at(text: str, marked: str, after: int = 0) -> dict[str, int]:
    """The position of the first `marked` in an ASCII text, `after` characters on."""
    before = text[: text.index(marked) + after]
    return {"line": before.count("\n"), "character": len(before) - before.rfind("\n") - 1}
