"""A charger's line to its backend: one CALL at a time, a queue that survives outages, and a way to cut the wire.

What must not be lost (transactions) waits in `outbox` and is sent in order until it is answered by a CALLRESULT
(OCPP 1.6 §3.7.1); what is only news is dropped while the line is down.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import random
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from websockets import Subprotocol
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

Payload = dict[str, Any]
_UNAUTHORISED = 401


class Refused(Exception):
    """The backend does not know us or our password."""


class Offline(Exception):
    """The line went down before the answer came."""


class Answered(Exception):
    """The backend answered with a CALLERROR."""


class Throttled(Exception):
    """The gateway did not take the message."""


class Unsupported(Exception):
    """The backend asks for something this charger cannot do."""


@dataclass
class Queued:
    """A message that must arrive. `build` makes its payload when it is sent, for an id may be known only then."""

    action: str
    build: Callable[[], Payload]
    answered: Callable[[Payload], Awaitable[None]]


class Line:
    """The charger's socket, opened again whenever it is lost.

    While it `is_mute` nothing that it is asked is heard, or answered; what it tells goes on.
    """

    def __init__(
        self,
        url: str,
        password: str,
        subprotocol: str,
        opened: Callable[[], Coroutine[Any, Any, None]],
        called: Callable[[str, Payload], Awaitable[Payload]],
        *,
        first_wait_s: float = 1.0,
        longest_wait_s: float = 60.0,
        call_timeout_s: float = 30.0,
        duplicates: bool = False,
    ) -> None:
        head, _, charger_id = url.rpartition("/")
        self._url = f"{head}/{quote(charger_id, safe='')}"
        self._charger_id = charger_id
        self._passwords = [password]
        self._subprotocol = subprotocol
        self._opened, self._called = opened, called
        self._first_wait_s, self._longest_wait_s = first_wait_s, longest_wait_s
        self._call_timeout_s = call_timeout_s
        self._duplicates = duplicates
        self._socket: ClientConnection | None = None
        self._waiting: dict[str, asyncio.Future[Payload]] = {}
        self._one_at_a_time = asyncio.Lock()
        self._cut = asyncio.Event()
        self._work = asyncio.Event()
        self._afterwards: list[Coroutine[Any, Any, None]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.is_mute = False
        self.registered = asyncio.Event()
        self.outbox: deque[Queued] = deque()
        self.sent: list[tuple[str, Payload]] = []
        self.received: list[tuple[str, Payload]] = []

    async def run(self) -> None:
        """Keep the line up until cancelled. Raises Refused when it never will be."""
        wait_s, refusals = self._first_wait_s, 0
        sender = asyncio.create_task(self._send_queue())
        try:
            while True:
                while self._cut.is_set():
                    await asyncio.sleep(0.01)
                try:
                    await self._one_connection()
                    wait_s, refusals = self._first_wait_s, 0
                except InvalidStatus as error:
                    if error.response.status_code == _UNAUTHORISED:
                        refusals += 1
                        if refusals >= self._tries():
                            raise Refused("the backend refused this charger's id or password (401)") from None
                        self._passwords.reverse()
                except (OSError, WebSocketException, TimeoutError):
                    pass
                # Jitter, so that a fleet does not come back all at once.
                await asyncio.sleep(random.uniform(wait_s / 2, wait_s))
                wait_s = min(wait_s * 2, self._longest_wait_s)
        finally:
            sender.cancel()
            for task in self._tasks:
                task.cancel()

    def cut(self) -> None:
        """The wire is cut: no goodbye, no coming back until `mend`."""
        self._cut.set()
        self.registered.clear()
        if self._socket is not None:
            self._socket.transport.abort()

    def mend(self) -> None:
        """The wire is whole again."""
        self._cut.clear()

    def change_password(self, password: str) -> None:
        """Log in with it from the next connection on, and with the former while the backend does not know it yet."""
        self._passwords = [password, self._passwords[0]]

    def soon(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it after the answer under way has gone out."""
        self._afterwards.append(work)

    def queue(self, message: Queued) -> None:
        """Send when possible, in order, until answered."""
        self.outbox.append(message)
        self._work.set()

    async def tell(self, action: str, payload: Payload) -> None:
        """Send news that nobody misses while the line is down."""
        with contextlib.suppress(Offline, Answered, TimeoutError):
            await self.call(action, payload)

    async def call(self, action: str, payload: Payload) -> Payload:
        """Send a CALL and return its answer. Raises Offline, Answered, TimeoutError."""
        async with self._one_at_a_time:
            return await self._call(action, payload)

    async def send_raw(self, text: str) -> None:
        """Send any text at all."""
        if self._socket is None:
            raise Offline
        await self._socket.send(text)

    async def close(self) -> None:
        """Leave politely."""
        if self._socket is not None:
            await self._socket.close()

    async def _one_connection(self) -> None:
        credentials = base64.b64encode(f"{self._charger_id}:{self._passwords[0]}".encode()).decode()
        async with connect(
            self._url,
            subprotocols=[Subprotocol(self._subprotocol)],
            additional_headers={"Authorization": f"Basic {credentials}"},
            ping_interval=None,
            compression=None,
        ) as socket:
            self._socket = socket
            opening = asyncio.create_task(self._opened())
            try:
                async for text in socket:
                    self._received(str(text))
            except ConnectionClosed:
                pass
            finally:
                opening.cancel()
                self._socket = None
                self.registered.clear()
                for answer in self._waiting.values():
                    if not answer.done():
                        answer.set_exception(Offline())
                self._waiting.clear()

    def _received(self, text: str) -> None:
        if not text.strip():
            return  # API Gateway may send an empty frame where there is nothing to say
        frame = json.loads(text)
        if isinstance(frame, dict):
            # API Gateway speaks for itself: what waits for an answer did not arrive.
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(Throttled())
            return
        kind, message_id, *rest = frame
        if kind == 2 and self.is_mute:
            return
        if kind == 2:
            self.received.append((rest[0], rest[1]))
            self._answering = asyncio.create_task(self._answer(message_id, rest[0], rest[1]))
            return
        answer = self._waiting.pop(message_id, None)
        if answer is not None and not answer.done():
            if kind == 3:
                answer.set_result(rest[0])
            else:
                answer.set_exception(Answered(f"{rest[0]}: {rest[1]}"))

    async def _answer(self, message_id: str, action: str, payload: Payload) -> None:
        try:
            frame = [3, message_id, await self._called(action, payload)]
        except Unsupported:
            frame = [4, message_id, "NotImplemented", f"{action} is not simulated", {}]
        except (KeyError, TypeError, ValueError) as error:
            frame = [4, message_id, "InternalError", f"{action} is not understood: {error!r}"[:255], {}]
        afterwards, self._afterwards = self._afterwards, []
        with contextlib.suppress(ConnectionClosed, Offline):
            await self.send_raw(json.dumps(frame))
        for work in afterwards:
            task = asyncio.create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _tries(self) -> int:
        # Each of two passwords twice: a backend may take note of a new one only after we came back.
        return 1 if len(self._passwords) == 1 else 4

    async def _call(self, action: str, payload: Payload) -> Payload:
        if self._socket is None:
            raise Offline
        message_id = str(uuid4())
        self.sent.append((action, payload))
        while True:
            try:
                return await self._answer_to(message_id, json.dumps([2, message_id, action, payload]))
            except Throttled:
                # As a charger does that heard no answer in time.
                await asyncio.sleep(self._first_wait_s)

    async def _answer_to(self, message_id: str, frame: str) -> Payload:
        if self._socket is None:
            raise Offline
        answer = self._waiting[message_id] = asyncio.get_running_loop().create_future()
        try:
            await self._socket.send(frame)
        except ConnectionClosed:
            self._waiting.pop(message_id, None)
            # The line's end may have told it so already, and nobody else will hear it.
            answer.cancel() or answer.exception()
            raise Offline from None
        try:
            # Not `wait_for`: until Python 3.12 it swallows a cancellation that comes together with the answer.
            async with asyncio.timeout(self._call_timeout_s):
                return dict(await answer)
        finally:
            self._waiting.pop(message_id, None)

    async def _send_queue(self) -> None:
        while True:
            await self.registered.wait()
            if not self.outbox:
                self._work.clear()
                await self._work.wait()
                continue
            message = self.outbox[0]
            try:
                answer = await self.call(message.action, message.build())
                if self._duplicates:
                    await self.call(message.action, message.build())
            except (Offline, Answered, TimeoutError):
                await asyncio.sleep(self._first_wait_s)
                continue
            self.outbox.popleft()
            await message.answered(answer)
