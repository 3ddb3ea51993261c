"""Chargers and handlers meet here as they do at API Gateway's WebSocket API: same events, limits and failures.

It is faithful where a charger backend gets hurt: frames of one charger run at once, `$disconnect` is best effort and
may come late, a connection id is dead before its `$disconnect` arrives, and nothing can be posted to a socket whose
`$connect` still runs. A frame above 32 KB, or a message above 128 KB in however many frames, closes the socket (1009).
Clients connect to `/ocpp/{charger id}`; as the edge does on AWS, the gateway turns path and query into the
`X-Kerb-Target` header, because a WebSocket API has no path after its stage.
"""

import asyncio
import contextlib
import json
import logging
import ssl
import threading
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.http11 import Request, Response
from websockets.protocol import State

from infrastructure.sockets import UNANSWERED_ROUTES
from local.connection import CLOSE_TIMEOUT_S, SUBPROTOCOL_HEADER, Connection, Event, read_charger_path
from local.context import LambdaContext
from local.gateway_faults import GatewayFault, GatewayFaults

log = logging.getLogger(__name__)


SEND_TIMEOUT_S = 10.0  # a peer that takes no bytes for this long is gone
STOP_TIMEOUT_S = 5.0  # how long stopping waits for running hooks

Hook = Callable[[Event, Any], Any]
T = TypeVar("T")


class Gone(Exception):
    """The connection does not exist: closed, never opened, or its `$connect` still runs (HTTP 410)."""


class PayloadTooLarge(Exception):
    """The message is larger than API Gateway carries (HTTP 413)."""


class Throttled(Exception):
    """More than API Gateway lets through at once (HTTP 429)."""


class _HookFailed(Exception):
    """A hook gave no usable answer; the text is what API Gateway tells the client."""


@dataclass(frozen=True)
class Limits:
    """API Gateway's quotas by default. `disconnect_delay_s` is how late a `$disconnect` comes."""

    frame_bytes: int = 32_768
    message_bytes: int = 131_072
    idle_s: float = 600
    lifetime_s: float = 7200
    handler_s: float = 29
    connects_per_s: int = 500
    disconnect_delay_s: float = 0.0


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

    read_request = staticmethod(read_charger_path)
    # The functions behind the hooks, as their contexts name them.
    functions = ("websocket_connect", "websocket_message", "websocket_disconnect")

    def __init__(
        self, hooks: Hooks, limits: Limits = Limits(), faults: Iterable[GatewayFault] = (), workers: int = 64
    ) -> None:
        self.hooks = hooks
        self.limits = limits
        self.faults = GatewayFaults(faults)
        self.port = 0
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="gateway")
        self._open: dict[str, Connection] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._second, self._connects = 0, 0
        self._stopping = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_thread: int | None = None
        self._server: Server | None = None

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        """Listen; port 0 picks a free one, which `port` then tells. Raises OSError when the port is taken.

        With `tls` that asks for client certificates, those it has verified are passed on as the edge does.
        """
        self._loop, self._loop_thread = asyncio.get_running_loop(), threading.get_ident()
        self._server = await serve(
            self._receive,
            host,
            port,
            ssl=tls,
            create_connection=Connection,
            process_request=self.read_request,
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

    def misbehave(self, *faults: GatewayFault) -> None:
        """Do these things wrong from now on, and no others."""
        self._on_loop(self._misbehave(faults))

    def post(self, connection_id: str, data: str) -> None:
        """Send one text message. Raises Gone, Throttled, or PayloadTooLarge above 128 KB."""
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
        assert isinstance(socket, Connection)
        if response.status_code != 101:
            return None
        if self._is_crowded() or self.faults.throttles_handshake(socket.charger):
            return socket.protocol.reject(429, "Too Many Requests\n")
        try:
            answer = await self._deliver(self.hooks.connect, self.functions[0], socket.connect_event())
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
        self.faults.connected(socket.charger)
        self._spawn(self._disconnect(socket))
        return None

    async def _receive(self, socket: ServerConnection) -> None:
        """Hand each message to its own invocation until the client leaves or a limit ends the connection."""
        assert isinstance(socket, Connection)
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

    async def _message(self, socket: "Connection", message: str | bytes) -> None:
        event, frame = socket.message_event(message), message if isinstance(message, str) else ""
        with contextlib.suppress(Gone):  # a reply to a client that left is nobody's error
            try:
                if self.faults.throttles_message(socket.charger, frame):
                    raise Throttled("Too Many Requests")
                await self.faults.next_message(socket.charger, frame)
                answer = await self._deliver(self.hooks.message, self.functions[1], event)
                self.faults.handled(socket.charger, frame)
                reply = _route_response(answer)
                if event["requestContext"]["routeKey"] in UNANSWERED_ROUTES:
                    return
                if self.faults.cuts_off(socket.charger, frame):
                    await socket.go_away()
                if reply or GatewayFault.EMPTY_FRAMES in self.faults.on:
                    await self._send(socket, reply or "")
                if self.faults.closes_as_idle(socket.charger):
                    await socket.go_away()
            except (_HookFailed, PayloadTooLarge, Throttled) as failure:
                error = {
                    "message": str(failure),
                    "connectionId": socket.connection_id,
                    "requestId": event["requestContext"]["requestId"],
                }
                await self._send(socket, json.dumps(error))

    async def _disconnect(self, socket: "Connection") -> None:
        """Wait for the socket's end, then tell the backend: late or never, as the limits say."""
        await socket.wait_closed()
        if GatewayFault.NO_DISCONNECT in self.faults.on:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.limits.disconnect_delay_s):
                await self._stopping.wait()
        await self._first_of(self.faults.next_connect(socket.charger), self._stopping.wait())
        with contextlib.suppress(_HookFailed):
            await self._deliver(self.hooks.disconnect, self.functions[2], socket.disconnect_event())

    def _deadline(self, socket: "Connection") -> float:
        return min(socket.active_at + self.limits.idle_s, socket.opened_at + self.limits.lifetime_s)

    def _is_crowded(self) -> bool:
        """Whether more sockets are opened within this second than may be."""
        second = int(asyncio.get_running_loop().time())
        self._connects = self._connects + 1 if second == self._second else 1
        self._second = second
        return self._connects > self.limits.connects_per_s

    async def _deliver(self, hook: Hook, name: str, event: Event) -> Any:
        """Invoke a hook, as often as the gateway sees fit; the last answer counts."""
        if GatewayFault.TWICE in self.faults.on:
            with contextlib.suppress(_HookFailed):
                await self._invoke(hook, name, event)
        return await self._invoke(hook, name, event)

    @staticmethod
    async def _first_of(*waits: Coroutine[Any, Any, Any]) -> None:
        _, others = await asyncio.wait([asyncio.ensure_future(it) for it in waits], return_when="FIRST_COMPLETED")
        for other in others:
            other.cancel()

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
        socket = self._find(connection_id)
        if self.faults.throttles_post(socket.charger, data):
            raise Throttled("Rate exceeded")
        if self.faults.denies(socket.charger, data):
            raise Gone(connection_id)
        await self._send(socket, data)
        if self.faults.cuts_off(socket.charger, data):
            self._spawn(socket.go_away())

    async def _misbehave(self, faults: Iterable[GatewayFault]) -> None:
        self.faults.switch(faults)

    async def _describe(self, connection_id: str) -> dict[str, Any]:
        return self._find(connection_id).description()

    async def _delete(self, connection_id: str) -> None:
        self._spawn(self._find(connection_id).end(CloseCode.NORMAL_CLOSURE, "Connection Closed Normally"))

    def _find(self, connection_id: str) -> "Connection":
        socket = self._open.get(connection_id)
        if socket is None or socket.state is not State.OPEN:
            raise Gone(connection_id)
        return socket

    async def _send(self, socket: "Connection", text: str) -> None:
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


def _route_response(answer: Any) -> str | None:
    """The text a message hook answers the client with, if any. Raises _HookFailed."""
    body = answer.get("body") if isinstance(answer, dict) else None
    if body is None or isinstance(body, str):
        return body or None
    log.error("websocket_message answered with a body of type %s, not text", type(body).__name__)
    raise _HookFailed("Internal server error")
