"""The browsers' WebSocket API on one machine: a gateway of its own, beside the chargers', in front of one function.

Clients connect to `/live`; nothing of an edge stands before it, and nobody is told when a socket closes: the deployed
API has no `$disconnect` route either.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from local.connection import SUBPROTOCOL_HEADER, Connection, headers_as_sent
from local.gateway import Gateway, Hooks, Limits

PATH = "/live"


class ViewerGateway(Gateway):
    """The door for browsers; `door` is the function that is called for what they do."""

    functions = ("viewers", "viewers", "viewers")

    def __init__(self, door: Callable[[Any, Any], Any], limits: Limits) -> None:
        super().__init__(Hooks(door, door, door), limits)

    @staticmethod
    def read_request(socket: ServerConnection, request: Request) -> Response | None:
        """Only that path is known; which subprotocol is spoken the function says."""
        assert isinstance(socket, Connection)
        if request.path != PATH:
            return socket.respond(404, f"Connect to {PATH}\n")
        socket.headers = headers_as_sent(request.headers)
        if SUBPROTOCOL_HEADER in request.headers:
            del request.headers[SUBPROTOCOL_HEADER]
        return None

    async def _disconnect(self, socket: Connection) -> None:
        """Nobody is told."""
        await socket.wait_closed()
