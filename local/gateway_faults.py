"""How API Gateway misbehaves towards chargers and their backend: one switch each, by count, never by chance.

What befalls a charger depends on what it said and was told before, so that a story comes to the same end each time.
Each fault leaves a way on: what is refused is let through when it is tried again.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

_CALL = 2
_REFUSED_EVERY = 3
_IDLE_AFTER = 6
_HELD_BACK_S = 0.5


class GatewayFault(StrEnum):
    """What the gateway does wrong; the value is the switch's name."""

    # Where a route has a response, an answer without a body reaches the client as an empty frame.
    EMPTY_FRAMES = "empty-frames"
    # 429: the first handshake of a charger, each third call of it, and the first post of each command.
    THROTTLED = "throttled"
    # The two hours are over at the worst moment: once between each command and its answer, and once between each
    # message of a charger and its answer.
    CUT_OFF = "cut-off"
    # The ten minutes without a message are over again and again: after each sixth answer.
    IDLE_CLOSE = "idle-close"
    # 410 for a socket that is open: the first post of each command.
    GONE = "gone"
    # Each event is delivered twice; the second invocation's answer counts.
    TWICE = "twice"
    # A charger's answer is handled after the message that it sent next.
    OUT_OF_ORDER = "out-of-order"
    # `$disconnect` comes after the next `$connect` of the same charger.
    LATE_DISCONNECT = "late-disconnect"
    # `$disconnect` never comes.
    NO_DISCONNECT = "no-disconnect"


class GatewayFaults:
    """Those that are switched on, and what they have done to each charger. Used on the gateway's event loop alone."""

    def __init__(self, on: Iterable[GatewayFault] = ()) -> None:
        self.on = frozenset(on)
        self._done: Counter[tuple[GatewayFault, str, str]] = Counter()
        self._handled: dict[str, asyncio.Event] = {}
        self._connected: dict[str, asyncio.Event] = {}

    def switch(self, on: Iterable[GatewayFault]) -> None:
        """These and no others from now on; what befell chargers before is forgotten."""
        self.on = frozenset(on)
        self._done.clear()

    def throttles_handshake(self, charger: str) -> bool:
        """Whether a charger's handshake is answered with 429."""
        return self._first(GatewayFault.THROTTLED, charger, "$connect")

    def throttles_message(self, charger: str, frame: str) -> bool:
        """Whether a charger's message is answered by the gateway itself."""
        return bool(_name(frame)) and self._each(_REFUSED_EVERY, GatewayFault.THROTTLED, charger)

    def throttles_post(self, charger: str, frame: str) -> bool:
        """Whether a post is answered with 429."""
        return self._first(GatewayFault.THROTTLED, charger, f"post {_name(frame)}")

    def denies(self, charger: str, frame: str) -> bool:
        """Whether a post is answered with 410 though the socket is open."""
        return self._first(GatewayFault.GONE, charger, _name(frame))

    def cuts_off(self, charger: str, frame: str) -> bool:
        """Whether the socket ends before the answer to this frame."""
        return bool(_name(frame)) and self._first(GatewayFault.CUT_OFF, charger, _name(frame))

    def closes_as_idle(self, charger: str) -> bool:
        """Whether a socket that has just been answered is closed."""
        return self._each(_IDLE_AFTER, GatewayFault.IDLE_CLOSE, charger)

    def connected(self, charger: str) -> None:
        """Take note that a charger's `$connect` is through."""
        self._connected.pop(charger, asyncio.Event()).set()

    async def next_connect(self, charger: str) -> None:
        """Wait until the charger is back."""
        if GatewayFault.LATE_DISCONNECT in self.on:
            await self._connected.setdefault(charger, asyncio.Event()).wait()

    async def next_message(self, charger: str, frame: str) -> None:
        """Hold back a charger's answer until its next message was handled, or none comes."""
        if GatewayFault.OUT_OF_ORDER in self.on and not _name(frame):
            handled = self._handled.setdefault(charger, asyncio.Event())
            try:
                async with asyncio.timeout(_HELD_BACK_S):
                    await handled.wait()
            except TimeoutError:
                return

    def handled(self, charger: str, frame: str) -> None:
        """Take note that a charger's message was handled."""
        if _name(frame):
            self._handled.pop(charger, asyncio.Event()).set()

    def _first(self, fault: GatewayFault, charger: str, what: str) -> bool:
        """Whether the fault is on and this befalls the charger for the first time."""
        if fault not in self.on or not what:
            return False
        self._done[fault, charger, what] += 1
        return self._done[fault, charger, what] == 1

    def _each(self, number: int, fault: GatewayFault, charger: str) -> bool:
        """Whether the fault is on and this is the third, say, of what it may befall."""
        if fault not in self.on:
            return False
        self._done[fault, charger, ""] += 1
        return self._done[fault, charger, ""] % number == 0


def _name(frame: str) -> str:
    """The action that a frame calls for; empty for an answer, and for what is no frame."""
    try:
        said = json.loads(frame)
    except (ValueError, RecursionError):
        return ""
    is_call = isinstance(said, list) and len(said) > 2 and said[0] == _CALL
    return str(said[2]) if is_call else ""
