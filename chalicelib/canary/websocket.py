"""A WebSocket client (RFC 6455) of a hundred lines: text both ways, pings answered, one thread.

Kerb's other ends of sockets are API Gateway's; a library for this one would ship to every function.
"""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import ssl
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3
_CONTINUED, _TEXT, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x8, 0x9, 0xA
_FINAL, _MASKED, _SHORT = 0x80, 0x80, 125
_LARGEST_BYTES = 128 * 1024
_NORMAL = 1000


class NotOpened(Exception):
    """The server refused the socket; `status` is its HTTP answer, 0 if it gave none that makes sense."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(f"{status} {why}")
        self.status = status


class Closed(Exception):
    """The socket is closed, from the other side or by the network."""


class WebSocket:
    """An open socket. Not for two threads."""

    def __init__(self, connection: socket.socket, rest: bytes = b"") -> None:
        self._connection = connection
        self._buffer = rest

    @classmethod
    def open(cls, url: str, headers: Mapping[str, str], protocol: str, within_s: float) -> WebSocket:
        """Connect to a `ws://` or `wss://` address. Raises NotOpened, or OSError where nobody answers in time."""
        parts = urlsplit(url)
        secure = parts.scheme == "wss"
        host = parts.hostname or ""
        connection = socket.create_connection((host, parts.port or (443 if secure else 80)), timeout=within_s)
        try:
            if secure:
                connection = ssl.create_default_context().wrap_socket(connection, server_hostname=host)
            key = base64.b64encode(os.urandom(16)).decode()
            asked = {
                "Host": parts.netloc,
                "Upgrade": "websocket",
                "Connection": "Upgrade",
                "Sec-WebSocket-Key": key,
                "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Protocol": protocol,
                **headers,
            }
            lines = [f"GET {parts.path or '/'} HTTP/1.1", *(f"{name}: {value}" for name, value in asked.items())]
            connection.sendall("\r\n".join([*lines, "", ""]).encode())
            opened = cls(connection)
            opened._check(opened._head(), key, protocol)
        except BaseException:
            connection.close()
            raise
        return opened

    def send(self, text: str) -> None:
        """Send one text message. Raises Closed."""
        self._frame(_TEXT, text.encode())

    def receive(self, within_s: float) -> str | None:
        """The next text message; None if none came in time. Raises Closed."""
        deadline = time.monotonic() + within_s
        parts = b""
        while True:
            frame = self._next(deadline)
            if frame is None:
                if parts:
                    raise Closed("a message was begun and not ended")
                return None
            final, kind, payload = frame
            if kind in (_TEXT, _CONTINUED):
                parts += payload
                if final:
                    return parts.decode()
            elif kind == _PING:
                self._frame(_PONG, payload)
            elif kind == _CLOSE:
                raise Closed(f"closed by the other side: {payload[2:].decode(errors='replace')}")

    def close(self) -> None:
        """Say good-bye and hang up; never raises."""
        try:
            self._frame(_CLOSE, _NORMAL.to_bytes(2, "big"))
        except Closed:
            pass
        finally:
            self._connection.close()

    def _head(self) -> bytes:
        while b"\r\n\r\n" not in self._buffer:
            self._more()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        return head

    @staticmethod
    def _check(head: bytes, key: str, protocol: str) -> None:
        first, *rest = head.decode("latin-1").split("\r\n")
        status = first.split(" ")[1] if first.startswith("HTTP/1.1 ") else "0"
        told = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
        if status != "101":
            raise NotOpened(int(status) if status.isdigit() else 0, first)
        proof = base64.b64encode(hashlib.sha1(f"{key}{_GUID}".encode()).digest()).decode()  # noqa: S324 (RFC 6455)
        if told.get("sec-websocket-accept") != proof:
            raise NotOpened(0, "the answer does not prove that a WebSocket server gave it")
        if told.get("sec-websocket-protocol") != protocol:
            raise NotOpened(0, f"the server chose the protocol {told.get('sec-websocket-protocol')}")

    def _frame(self, kind: int, payload: bytes) -> None:
        """A client masks what it sends (section 5.3)."""
        size = len(payload)
        if size <= _SHORT:
            head = bytes([_FINAL | kind, _MASKED | size])
        elif size < 1 << 16:
            head = bytes([_FINAL | kind, _MASKED | 126]) + size.to_bytes(2, "big")
        else:
            head = bytes([_FINAL | kind, _MASKED | 127]) + size.to_bytes(8, "big")
        mask = os.urandom(4)
        try:
            self._connection.sendall(head + mask + bytes(it ^ mask[at % 4] for at, it in enumerate(payload)))
        except OSError as error:
            raise Closed(str(error)) from None

    def _next(self, deadline: float) -> tuple[bool, int, bytes] | None:
        """The next frame, if it has come whole by then; what has come of it is kept."""
        while (found := self._whole()) is None:
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self._connection.settimeout(left)
            try:
                self._more()
            except TimeoutError:
                return None
        return found

    def _whole(self) -> tuple[bool, int, bytes] | None:
        data = self._buffer
        if len(data) < 2:
            return None
        size, start = data[1] & 0x7F, 2
        if size > _SHORT:
            start = 4 if size == 126 else 10
            if len(data) < start:
                return None
            size = int.from_bytes(data[2:start], "big")
        if size > _LARGEST_BYTES:
            raise Closed("a frame is larger than API Gateway sends any")
        if len(data) < start + size:
            return None
        self._buffer = data[start + size :]
        return bool(data[0] & _FINAL), data[0] & 0x0F, data[start : start + size]

    def _more(self) -> None:
        try:
            came = self._connection.recv(4096)
        except TimeoutError:
            raise
        except OSError as error:
            raise Closed(str(error)) from None
        if not came:
            raise Closed("the connection is gone")
        self._buffer += came
