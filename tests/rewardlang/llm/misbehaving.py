"""A real HTTP server on loopback that answers as a test scripts it, well or badly.

A script is a list of actions, one per question; the last one stays. An action writes to the open
connection, so that it may break it off, fall silent, or speak nonsense.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-misbehaving-0123456789abcdef"
MODEL = "scripted-1"


class Connection:
    """One request, and the ways to answer it."""

    def __init__(self, handler: BaseHTTPRequestHandler, body: Any, over: threading.Event):
        self._handler = handler
        self._chunked = False
        self._over = over
        self.body = body

    def wait(self, seconds: float) -> None:
        """Be silent; not longer than the test takes."""
        self._over.wait(seconds)

    @property
    def over(self) -> bool:
        return self._over.is_set()

    def head(
        self, status: int = 200, headers: Mapping[str, str] | None = None, *, chunked: bool = True
    ) -> None:
        self._handler.send_response(status)
        for name, value in {"Content-Type": "text/event-stream", **(headers or {})}.items():
            self._handler.send_header(name, value)
        self._chunked = chunked
        if chunked:
            self._handler.send_header("Transfer-Encoding", "chunked")
        else:
            self._handler.send_header("Connection", "close")
            self._handler.close_connection = True
        self._handler.end_headers()

    def send(self, text: str) -> None:
        data = text.encode()
        if self._chunked:
            data = b"%x\r\n%s\r\n" % (len(data), data)
        self._handler.wfile.write(data)

    def event(self, data: Any, name: str = "") -> None:
        said = data if isinstance(data, str) else json.dumps(data)
        self.send(f"event: {name}\ndata: {said}\n\n" if name else f"data: {said}\n\n")

    def end(self) -> None:
        if self._chunked:
            self._handler.wfile.write(b"0\r\n\r\n")

    def cut(self) -> None:
        """Close without an end."""
        self._handler.close_connection = True

    def document(self, status: int, content: Any, headers: Mapping[str, str] | None = None) -> None:
        """A whole body: JSON, or text as it is."""
        is_text = isinstance(content, str)
        data = (content if is_text else json.dumps(content)).encode()
        self._handler.send_response(status)
        kind = "text/html" if is_text else "application/json"
        said = {"Content-Type": kind, "Content-Length": str(len(data)), **(headers or {})}
        for name, value in said.items():
            self._handler.send_header(name, value)
        self._handler.end_headers()
        self._handler.wfile.write(data)


Action = Callable[[Connection], None]


@dataclass
class Script:
    """What the server does, and what it was asked.

    models   the action for `GET /v1/models`
    actions  for the questions in their order
    asked    the body of each question; of each request, the path and the headers, in lower case
    """

    actions: Sequence[Action]
    models: Action
    asked: list[Any] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    base_url: str = ""

    def next(self, body: Any, path: str, headers: dict[str, str]) -> Action:
        with self._lock:
            self.paths.append(path)
            self.headers.append(headers)
            if path.endswith("/models"):
                return self.models
            self.asked.append(body)
            return self.actions[min(len(self.asked), len(self.actions)) - 1]

    @property
    def questions(self) -> list[str]:
        """The last message of each question."""
        return [(body.get("messages") or body["input"])[-1]["content"] for body in self.asked]

    @property
    def lists(self) -> int:
        """How often it was asked for its models."""
        return sum(path.endswith("/models") for path in self.paths)


@contextmanager
def misbehaving(*actions: Action, models: Action | None = None) -> Iterator[Script]:
    """The server; `models`: its list of models, one from an unknown owner where none is given."""
    script = Script(actions, models or offering(MODEL))
    server = _Server(("127.0.0.1", 0), _handler(script))
    script.base_url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=lambda: server.serve_forever(0.01), daemon=True)
    thread.start()
    try:
        yield script
    finally:
        script._over.set()
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has heard enough and hangs up is no error."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _handler(script: Script) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._act(None)

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            self._act(json.loads(self.rfile.read(length)))

        def _act(self, body: Any) -> None:
            action = script.next(
                body, self.path, {name.lower(): value for name, value in self.headers.items()}
            )
            try:
                action(Connection(self, body, script._over))
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


# --- actions ----------------------------------------------------------------------------------


def offering(*names: str, owner: str = "somebody") -> Action:
    """The models it offers."""
    models = [{"id": name, "object": "model", "created": 0, "owned_by": owner} for name in names]
    return lambda to: to.document(200, {"object": "list", "data": models})


def answering(status: int, content: Any, **headers: str) -> Action:
    """A whole document; header names with underscores for dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda to: to.document(status, content, named)


def error(status: int, message: str, code: str | None = None, **headers: str) -> Action:
    """OpenAI's form of an error."""
    return answering(
        status, {"error": {"message": message, "type": "error", "code": code}}, **headers
    )


def chat_chunk(text: str | None = None, finish: str | None = None, **delta: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"content": text, **delta}, "finish_reason": finish}
    head = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": MODEL}
    return {**head, "choices": [choice]}


def usage_chunk(prompt: int, answer: int) -> dict[str, Any]:
    used = {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}
    return {**chat_chunk(), "choices": [], "usage": used}


def saying(text: str, finish: str | None = "stop", *, size: int = 1000) -> Action:
    """A good answer of Chat Completions, in pieces; 100 + 10 tokens."""

    def action(to: Connection) -> None:
        to.head()
        for start in range(0, len(text), size):
            to.event(chat_chunk(text[start : start + size]))
        to.event(chat_chunk(finish=finish))
        to.event(usage_chunk(100, 10))
        to.event("[DONE]")
        to.end()

    return action


def events(*datas: Any, chunked: bool = True) -> Action:
    """These events and then a proper end of the body."""

    def action(to: Connection) -> None:
        to.head(chunked=chunked)
        for data in datas:
            to.event(data)
        to.end()

    return action


def response_events(*datas: dict[str, Any]) -> Action:
    """Events of the Responses API, with their names."""

    def action(to: Connection) -> None:
        to.head()
        for data in datas:
            to.event(data, data["type"])
        to.end()

    return action


def response_saying(text: str, *, tool: bool = False) -> Action:
    """A good answer of the Responses API; 100 + 10 tokens."""
    kind = "custom_tool_call_input" if tool else "output_text"
    delta = {"type": f"response.{kind}.delta", "item_id": "i", "output_index": 0}
    middle = len(text) // 2
    return response_events(
        {**delta, "delta": text[:middle], "sequence_number": 1},
        {**delta, "delta": text[middle:], "sequence_number": 2},
        response_end("completed"),
    )


def response_end(status: str, **more: Any) -> dict[str, Any]:
    used = {"input_tokens": 100, "output_tokens": 10, "total_tokens": 110}
    response = {"id": "r", "object": "response", "status": status, "output": [], "usage": used}
    return {"type": f"response.{status}", "sequence_number": 9, "response": {**response, **more}}
