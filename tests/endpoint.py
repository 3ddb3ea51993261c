"""An HTTP server for tests: it remembers what it is asked and answers as it is told."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.patience import PATIENCE_S


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Answer = Callable[[Asked], tuple[int, Any]]


def say_ok(asked: Asked) -> tuple[int, Any]:
    """Status 200 and an empty object, whatever is asked."""
    return 200, {}


@dataclass
class Endpoint:
    """Running at `url`; replace `answer` to have it answer otherwise (status and JSON; status 0 hangs up)."""

    url: str
    answer: Answer = say_ok
    asked: list[Asked] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def receive(self, asked: Asked) -> tuple[int, Any]:
        """Take in a request and answer it."""
        with self._changed:
            self.asked.append(asked)
            self._changed.notify_all()
        return self.answer(asked)

    def until(self, enough: Callable[[list[Asked]], bool]) -> list[Asked]:
        """What it was asked, once that is enough."""
        with self._changed:
            assert self._changed.wait_for(lambda: enough(self.asked), PATIENCE_S), self.asked
            return list(self.asked)


@contextmanager
def an_endpoint() -> Iterator[Endpoint]:
    """An endpoint on a free port, gone afterwards."""

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = Asked(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            status, document = endpoint.receive(asked)
            if status == 0:
                self.close_connection = True
                return
            answer = json.dumps(document).encode()
            with suppress(BrokenPipeError):  # who asked may have given up
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        do_GET = do_POST = handle_any  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    endpoint = Endpoint(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@contextmanager
def a_closed_port() -> Iterator[int]:
    """A port that takes no connection, and that nobody else can open meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]
