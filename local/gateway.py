"""Chargers and handlers meet here as they do at API Gateway's WebSocket API: same events, limits and failures.

It is faithful where a charger backend gets hurt: frames of one charger run at once, `$disconnect` is best effort and
may come late, a connection id is dead before its `$disconnect` arrives, and nothing can be posted to a socket whose
`$connect` still runs. Clients connect to `/ocpp/{charger id}`; as the edge does on AWS, the gateway turns that path
into the `X-Kerb-Charger-Id` header, because a WebSocket API has no path after its stage.
"""

import asyncio
import base64
import contextlib
import json
import logging
import re
import secrets
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.frames import Close, CloseCode
from websockets.http11 import Request, Response
from websockets.protocol import Event as WireEvent
from websockets.protocol import State

from local.context import LambdaContext

log = logging.getLogger(__name__)

CHARGER_ID_HEADER = "X-Kerb-Charger-Id"
CHARGER_PATH = re.compile(r"/ocpp/([^/]+)")
SUBPROTOCOL_HEADER = "Sec-WebSocket-Protocol"

CLOSE_TIMEOUT_S = 2.0  # a peer that does not answer a close frame is cut off
SEND_TIMEOUT_S = 10.0  # a peer that takes no bytes for this long is gone
STOP_TIMEOUT_S = 5.0  # how long stopping waits for running hooks

Event = dict[str, Any]
Hook = Callable[[Event, Any], Any]
T = TypeVar("T")


class Gone(Exception):
    """The connection does not exist: closed, never opened, or its `$connect` still runs (HTTP 410)."""


class PayloadTooLarge(Exception):
    """The message is larger than API Gateway carries (HTTP 413)."""


class _HookFailed(Exception):
    """A hook gave no usable answer; the text is what API Gateway tells the client."""


@dataclass(frozen=True)
class Limits:
    """API Gateway's quotas by default. The last two say how badly `$disconnect` behaves."""

    frame_bytes: int = 32_768
    message_bytes: int = 131_072
    idle_s: float = 600
    lifetime_s: float = 7200
    handler_s: float = 29
    disconnect_delay_s: float = 0.0
    lose_disconnects: bool = False


@dataclass(frozen=True)
class Hooks:
    """The three handlers, called with (event, context) in worker threads, several at once."""

    connect: Hook
    message: Hook
    disconnect: Hook


class Gateway:
    """A WebSocket server in front of three hooks, and the `@connections` calls that reach its clients.

    `post`, `describe` and `delete` may be called from any thread but the event loop's own: they wait for the loop.
    """

    def __init__(self, hooks: Hooks, limits: Limits = Limits(), workers: int = 64) -> None:
        self.hooks = hooks
        self.limits = limits
        self.port = 0
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="gateway")
        self._open: dict[str, _Connection] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_thread: int | None = None
        self._server: Server | None = None

    async def start(self, host: str, port: int) -> None:
        """Listen; port 0 picks a free one, which `port` then tells. Raises OSError when the port is taken."""
        self._loop, self._loop_thread = asyncio.get_running_loop(), threading.get_ident()
        self._server = await serve(
            self._receive,
            host,
            port,
            create_connection=_Connection,
            process_request=_read_charger_path,
            process_response=self._connect,
            compression=None,  # API Gateway negotiates no extension
            open_timeout=self.limits.handler_s + 10,  # the handshake waits for $connect
            ping_interval=None,  # nor does it send pings
            close_timeout=CLOSE_TIMEOUT_S,
            max_size=(self.limits.message_bytes, self.limits.frame_bytes),
            backlog=4096,  # a fleet reconnects all at once
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close every socket with 1001, then give running hooks and due `$disconnect`s a bounded time."""
        self._stopping.set()
        if self._server is not None:
            self._server.close(close_connections=False)
            await asyncio.sleep(0)  # from here on handshakes under way are refused, and `_open` is all there is
            await asyncio.gather(*(socket.go_away() for socket in list(self._open.values())))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await self._server.wait_closed()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=STOP_TIMEOUT_S)
            for task in late:
                task.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def post(self, connection_id: str, data: str) -> None:
        """Send one text message. Raises Gone, or PayloadTooLarge above 128 KB."""
        self._on_loop(self._post(connection_id, data))

    def describe(self, connection_id: str) -> dict[str, Any]:
        """`connectedAt` and `lastActiveAt` (ISO 8601) and `identity`. Raises Gone."""
        return self._on_loop(self._describe(connection_id))

    def delete(self, connection_id: str) -> None:
        """Close the socket with 1000; the id is gone at once and `$disconnect` follows. Raises Gone."""
        self._on_loop(self._delete(connection_id))

    # The life of one connection, on the event loop.

    async def _connect(self, socket: ServerConnection, _: Request, response: Response) -> Response | None:
        """Ask the connect hook whether a valid handshake may become a socket."""
        assert isinstance(socket, _Connection)
        if response.status_code != 101:
            return None
        try:
            answer = await self._invoke(self.hooks.connect, "websocket_connect", socket.connect_event())
        except _HookFailed as failure:
            return socket.protocol.reject(500, f"{failure}\n")
        status = int(answer["statusCode"])
        headers = {name.lower(): value for name, value in (answer.get("headers") or {}).items()}
        if not 200 <= status < 300:
            refusal = socket.protocol.reject(status, "")
            if challenge := headers.get("www-authenticate"):
                refusal.headers["WWW-Authenticate"] = challenge
            return refusal
        if subprotocol := headers.get(SUBPROTOCOL_HEADER.lower()):
            response.headers[SUBPROTOCOL_HEADER] = subprotocol
        # From here on the backend believes in this connection, even if the client is lost before it hears so.
        self._spawn(self._disconnect(socket))
        return None

    async def _receive(self, socket: ServerConnection) -> None:
        """Hand each message to its own invocation until the client leaves or a limit ends the connection."""
        assert isinstance(socket, _Connection)
        self._open[socket.connection_id] = socket
        try:
            while True:
                try:
                    async with asyncio.timeout_at(self._deadline(socket)):
                        message = await socket.recv()
                except TimeoutError:
                    if socket.loop.time() >= self._deadline(socket):
                        await socket.go_away()
                        return
                else:
                    self._spawn(self._message(socket, message))
        except ConnectionClosed:
            return
        finally:
            self._open.pop(socket.connection_id, None)

    async def _message(self, socket: "_Connection", message: str | bytes) -> None:
        event = socket.message_event(message)
        with contextlib.suppress(Gone):  # a reply to a client that left is nobody's error
            try:
                answer = await self._invoke(self.hooks.message, "websocket_message", event)
                if reply := _route_response(answer):
                    await self._send(socket, reply)
            except (_HookFailed, PayloadTooLarge) as failure:
                error = {
                    "message": str(failure),
                    "connectionId": socket.connection_id,
                    "requestId": event["requestContext"]["requestId"],
                }
                await self._send(socket, json.dumps(error))

    async def _disconnect(self, socket: "_Connection") -> None:
        """Wait for the socket's end, then tell the backend: late or never, as the limits say."""
        await socket.wait_closed()
        if self.limits.lose_disconnects:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.limits.disconnect_delay_s):
                await self._stopping.wait()
        with contextlib.suppress(_HookFailed):
            await self._invoke(self.hooks.disconnect, "websocket_disconnect", socket.disconnect_event())

    def _deadline(self, socket: "_Connection") -> float:
        return min(socket.active_at + self.limits.idle_s, socket.opened_at + self.limits.lifetime_s)

    async def _invoke(self, hook: Hook, name: str, event: Event) -> Any:
        """Run a hook in a worker. Raises _HookFailed, already logged, if it fails or takes too long."""

        def run() -> Any:
            try:
                return hook(event, LambdaContext(name, self.limits.handler_s))
            except BaseException as error:  # even SystemExit ends only an invocation
                log.exception("%s failed", name)
                raise _HookFailed("Internal server error") from error

        try:
            async with asyncio.timeout(self.limits.handler_s):
                return await asyncio.get_running_loop().run_in_executor(self._pool, run)
        except TimeoutError as error:
            log.error("%s took over %s s", name, self.limits.handler_s)
            raise _HookFailed("Endpoint request timed out") from error

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # The management API, called from other threads.

    def _on_loop(self, work: Coroutine[Any, Any, T]) -> T:
        """Run work on the event loop and wait; whatever keeps the loop from answering makes the connection Gone."""
        if threading.get_ident() == self._loop_thread:
            work.close()
            raise RuntimeError("this waits for the event loop: call it from another thread")
        try:
            if self._loop is None:
                raise RuntimeError("not started")
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError as error:
            work.close()
            raise Gone("the gateway is not running") from error
        try:
            return future.result(SEND_TIMEOUT_S + CLOSE_TIMEOUT_S)
        except (TimeoutError, CancelledError) as error:
            future.cancel()
            raise Gone("the gateway is stopping") from error

    async def _post(self, connection_id: str, data: str) -> None:
        await self._send(self._find(connection_id), data)

    async def _describe(self, connection_id: str) -> dict[str, Any]:
        return self._find(connection_id).description()

    async def _delete(self, connection_id: str) -> None:
        self._spawn(self._find(connection_id).end(CloseCode.NORMAL_CLOSURE, "Connection Closed Normally"))

    def _find(self, connection_id: str) -> "_Connection":
        socket = self._open.get(connection_id)
        if socket is None or socket.state is not State.OPEN:
            raise Gone(connection_id)
        return socket

    async def _send(self, socket: "_Connection", text: str) -> None:
        """Send one text message, in frames no larger than the limit. Raises Gone, PayloadTooLarge."""
        data, size = text.encode(), self.limits.frame_bytes
        if len(data) > self.limits.message_bytes:
            raise PayloadTooLarge("Message too long")
        frames = data if len(data) <= size else [data[at : at + size] for at in range(0, len(data), size)]
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await socket.send(frames, text=True)
        except ConnectionClosed as error:
            raise Gone(socket.connection_id) from error
        except TimeoutError as error:
            socket.transport.abort()
            raise Gone(socket.connection_id) from error
        socket.active_at = socket.loop.time()


class _Connection(ServerConnection):
    """One client's socket, and what API Gateway knows and tells about it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.connection_id = _new_id()
        self.connected_at = datetime.now(UTC)
        self.opened_at = self.active_at = self.loop.time()
        self.query = ""
        self.headers: dict[str, list[str]] = {}
        self.identity = {"sourceIp": "", "userAgent": ""}

    def process_event(self, event: WireEvent) -> None:
        """Note activity: a ping counts as much as a message."""
        self.active_at = self.loop.time()
        super().process_event(event)

    async def go_away(self) -> None:
        await self.end(CloseCode.GOING_AWAY, "Going away")

    async def end(self, code: CloseCode, reason: str) -> None:
        """Close; cut off a client that takes no bytes, whose close frame would wait behind them for ever."""
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self.close(code, reason)
        except TimeoutError:
            self.transport.abort()

    def description(self) -> dict[str, Any]:
        idle = timedelta(seconds=self.loop.time() - self.active_at)
        return {
            "connectedAt": _iso(self.connected_at),
            "lastActiveAt": _iso(datetime.now(UTC) - idle),
            "identity": self.identity,
        }

    def connect_event(self) -> Event:
        event = self._event("$connect", "CONNECT") | _both_shapes(self.headers)
        if query := parse_qs(self.query, keep_blank_values=True):
            event["queryStringParameters"] = {name: values[-1] for name, values in query.items()}
            event["multiValueQueryStringParameters"] = query
        return event

    def message_event(self, message: str | bytes) -> Event:
        event = self._event("$default", "MESSAGE", messageId=_new_id())
        event["isBase64Encoded"] = isinstance(message, bytes)
        event["body"] = base64.b64encode(message).decode() if isinstance(message, bytes) else message
        return event

    def disconnect_event(self) -> Event:
        # The client's own headers are not repeated here, so neither is the charger's id.
        headers = {"Host": ["localhost"], "x-api-key": [""], "X-Forwarded-For": [""], "x-restapi": [""]}
        parting = self._parting()
        return _both_shapes(headers) | self._event(
            "$disconnect", "DISCONNECT", disconnectStatusCode=parting.code, disconnectReason=parting.reason
        )

    def _parting(self) -> Close:
        """Why it ended: the close frame of whoever began the closing."""
        sent, received = self.protocol.close_sent, self.protocol.close_rcvd
        if sent is not None and not self.protocol.close_rcvd_then_sent:
            return sent
        if received is None:
            return Close(CloseCode.ABNORMAL_CLOSURE, "Connection closed abnormally")
        if received.code == CloseCode.NO_STATUS_RCVD:
            return Close(received.code, "Client-side close frame status not set")
        return received

    def _event(self, route_key: str, event_type: str, **details: Any) -> Event:
        now, request_id = datetime.now(UTC), _new_id()
        context = {
            "routeKey": route_key,
            "eventType": event_type,
            "messageDirection": "IN",
            "connectionId": self.connection_id,
            "connectedAt": _epoch_ms(self.connected_at),
            "requestTime": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "requestTimeEpoch": _epoch_ms(now),
            "requestId": request_id,
            "extendedRequestId": request_id,
            "apiId": "local",
            "domainName": "localhost",
            "stage": "local",
            "identity": self.identity,
        }
        return {"requestContext": context | details, "isBase64Encoded": False}


def _read_charger_path(socket: ServerConnection, request: Request) -> Response | None:
    """What the edge does on AWS: `/ocpp/{charger id}` becomes a header nobody can forge; other paths are unknown."""
    assert isinstance(socket, _Connection)
    path, _, socket.query = request.path.partition("?")
    match = CHARGER_PATH.fullmatch(path)
    charger_id = unquote(match[1]) if match else ""
    if not charger_id or not charger_id.isprintable():  # a header cannot hold a line break
        return socket.respond(404, "Connect to /ocpp/{charger id}\n")
    socket.headers = _headers_as_sent(request.headers) | {CHARGER_ID_HEADER: [charger_id]}
    if socket.remote_address:  # nothing, if the client left already
        socket.identity["sourceIp"] = socket.remote_address[0]
    socket.identity["userAgent"] = ", ".join(request.headers.get_all("User-Agent"))
    # Which subprotocol to speak is for the connect hook to say; odd offers must not fail before it sees them.
    if SUBPROTOCOL_HEADER in request.headers:
        del request.headers[SUBPROTOCOL_HEADER]
    return None


def _headers_as_sent(headers: Headers) -> dict[str, list[str]]:
    """Every value of every header under its first spelling, but for a charger id somebody made up."""
    spellings: dict[str, str] = {}
    values: dict[str, list[str]] = {}
    for name, value in headers.raw_items():
        if name.lower() != CHARGER_ID_HEADER.lower():
            values.setdefault(spellings.setdefault(name.lower(), name), []).append(value)
    return values


def _both_shapes(headers: dict[str, list[str]]) -> Event:
    return {"headers": {name: values[-1] for name, values in headers.items()}, "multiValueHeaders": headers}


def _route_response(answer: Any) -> str | None:
    """The text a message hook answers the client with, if any. Raises _HookFailed."""
    body = answer.get("body") if isinstance(answer, dict) else None
    if body is None or isinstance(body, str):
        return body or None
    log.error("websocket_message answered with a body of type %s, not text", type(body).__name__)
    raise _HookFailed("Internal server error")


def _new_id() -> str:
    """An id that looks like API Gateway's, `=` included: it must survive being quoted in a path."""
    return base64.urlsafe_b64encode(secrets.token_bytes(11)).decode()


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _epoch_ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
