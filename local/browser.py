"""A browser's tab, reduced to the socket by which it looks at something."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from websockets import Subprotocol
from websockets.sync.client import connect

_TIMEOUT_S = 60


class Tab:
    """An open page; `where` is the `live_socket` of what it looks at. Raises InvalidStatus where it is not let in."""

    def __init__(self, where: Mapping[str, Any]) -> None:
        self.topic = str(where["topic"])
        self.events: list[dict[str, Any]] = []
        self._open = ExitStack()
        self._socket = self._open.enter_context(
            connect(
                where["url"],
                subprotocols=[Subprotocol(it) for it in where["subprotocols"]],
                open_timeout=_TIMEOUT_S,
            )
        )

    def show(self, seen: str | None = None) -> list[dict[str, Any]]:
        """It is visible, and has seen that event last; returns what it is answered."""
        said = {"topic": self.topic, "visible": True} | ({} if seen is None else {"last_event_id": seen})
        self.say(said)
        return self.hear()

    def hide(self) -> None:
        """It is hidden."""
        self.say({"topic": self.topic, "visible": False})

    def say(self, said: object) -> None:
        """Send a message."""
        self._socket.send(json.dumps(said))

    def hear(self, within_s: float = _TIMEOUT_S) -> list[dict[str, Any]]:
        """The events of the next message; TimeoutError where there is none. ConnectionClosed once it is over."""
        frame = self.frame(within_s)
        while frame.get("more"):
            frame["events"] += (more := self.frame(within_s))["events"]
            frame["more"] = more["more"]
        self.events += frame["events"]
        return list(frame["events"])

    def frame(self, within_s: float = _TIMEOUT_S) -> dict[str, Any]:
        """The next message as it is."""
        return dict(json.loads(self._socket.recv(timeout=within_s)))

    def closing(self) -> int:
        """The code that it is closed with; whatever is told before that is passed over."""
        while "closing" not in (frame := self.frame()):
            pass
        return int(frame["closing"]["code"])

    def close(self) -> None:
        """The page is closed."""
        self._open.close()
