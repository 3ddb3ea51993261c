"""Asks servers that have to do with contracts, by HTTP: nowhere else than at that address, for so long and so much.

A responder's address comes from a charger or a certificate, so that only what the whole world can reach is asked; the
address that was looked at is the one that is called. Nothing that a server says is repeated to anybody.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from threading import Event, Thread, Timer
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import urllib3

from chalicelib.adapters.notifications.messengers import Resolve, outside_pool, resolve
from chalicelib.domain.data_classes import dataclass

_CONNECT_S, _READ_S = 2.0, 4.0
_CHUNK = 16 * 1024
_PORTS = {"https": 443, "http": 80}


class NoReply(Exception):
    """No answer came that can be used; the text says why, in 20 signs at the most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebRequest:
    """What is asked where, how much may come back, and by when all of it must be there, in seconds."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None
    most_bytes: int
    most_s: float


@dataclass(frozen=True, kw_only=True)
class Web:
    """The open internet. `may_be_inside`: a laptop's own network too, and plain names."""

    may_be_inside: bool = False
    resolve: Resolve = resolve
    seconds: Callable[[], float] = monotonic

    def asked(self, request: WebRequest) -> tuple[int, bytes]:
        """Status and body of an answer; a redirection is one as any other. Raises NoReply."""
        until_s = self.seconds() + request.most_s
        try:
            parts = urlsplit(request.url)
            host, port = parts.hostname or "", parts.port
            if parts.scheme not in _PORTS or not host or parts.username is not None:
                raise NoReply("no web address")
            port = port or _PORTS[parts.scheme]
            named = _by_then(self.resolve, request.most_s)
            pool = outside_pool(parts.scheme, host, port, named, may_be_inside=self.may_be_inside)
        except OSError:
            raise NoReply("name not found") from None
        except ValueError:
            raise NoReply("address not public") from None
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        with pool, _shut_after(pool, request.most_s) as is_shut:
            answer = self._answer(pool, request, path, until_s)
        if is_shut.is_set():
            # A header that was cut off reads as one that ends there.
            raise NoReply("no answer in time")
        return answer

    def _answer(
        self, pool: urllib3.HTTPConnectionPool, request: WebRequest, path: str, until_s: float
    ) -> tuple[int, bytes]:
        netloc = urlsplit(request.url).netloc
        try:
            answer = pool.urlopen(
                request.method,
                path,
                body=request.body,
                headers={"User-Agent": "Kerb", **request.headers, "Host": netloc},
                retries=False,
                redirect=False,
                timeout=urllib3.Timeout(connect=min(_CONNECT_S, request.most_s), read=min(_READ_S, request.most_s)),
                preload_content=False,
            )
            try:
                return answer.status, self._body(answer, request.most_bytes, until_s)
            finally:
                answer.close()
        except (urllib3.exceptions.HTTPError, OSError, ValueError):
            raise NoReply("no answer in time") from None

    def _body(self, answer: urllib3.BaseHTTPResponse, most_bytes: int, until_s: float) -> bytes:
        """All of it, unless it is endless or dribbles. Nothing is unpacked: nothing packed was asked for."""
        body = b""
        while True:
            chunk = answer.read1(_CHUNK, decode_content=False)
            # Also at its end: one that was cut off by us is no whole answer.
            if self.seconds() > until_s:
                raise NoReply("no answer in time")
            if not chunk:
                return body
            body += chunk
            if len(body) > most_bytes:
                raise NoReply("answer too long")


def _by_then(resolve: Resolve, most_s: float) -> Resolve:
    """The same within so many seconds: the name server is a stranger's too, and the system waits for it much longer."""

    def resolved(host: str, port: int) -> list[str]:
        told: SimpleQueue[list[str] | Exception] = SimpleQueue()

        def look() -> None:
            try:
                told.put(resolve(host, port))
            except (OSError, ValueError) as error:
                told.put(error)

        Thread(target=look, daemon=True).start()
        try:
            found = told.get(timeout=most_s)
        except Empty:
            raise TimeoutError from None
        if isinstance(found, Exception):
            raise found
        return found

    return resolved


@contextmanager
def _shut_after(pool: urllib3.HTTPConnectionPool, most_s: float) -> Iterator[Event]:
    """Its connections are shut by then: a server may take its time for each byte of a handshake, or of a header."""
    made: list[Any] = []
    kind: Any = pool.ConnectionCls

    def noted(**told: Any) -> Any:
        made.append(kind(**told))
        return made[-1]

    is_shut = Event()

    def shut() -> None:
        is_shut.set()
        for it in made:
            with suppress(OSError, AttributeError):
                it.sock.shutdown(socket.SHUT_RDWR)

    vars(pool)["ConnectionCls"] = noted
    timer = Timer(most_s, shut)
    timer.daemon = True
    timer.start()
    try:
        yield is_shut
    finally:
        timer.cancel()
