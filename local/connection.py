"""What API Gateway knows of one socket, and the events it tells its handlers about it, in the documented shapes.

As the edge does on AWS, path and query become the `X-Kerb-Target` header as they came, a verified client
certificate the `X-Kerb-Client-Cert-...` headers (CloudFront's own are called CloudFront-Viewer-Cert-...), and the
secret that only the edge knows comes along. Whatever a client sends under such names is left out.
"""

import asyncio
import base64
import hashlib
import json
import os
import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from cryptography import x509
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.frames import Close, CloseCode
from websockets.http11 import Request, Response
from websockets.protocol import Event as WireEvent

from chalicelib.domain.chargers.identity import is_chargers_door
from infrastructure.sockets import DEFAULT_ROUTE, UNANSWERED_ROUTES

TARGET_HEADER = "X-Kerb-Target"
EDGE_SECRET_HEADER = "X-Kerb-Edge-Secret"
SUBPROTOCOL_HEADER = "Sec-WebSocket-Protocol"
CLOSE_TIMEOUT_S = 2.0  # a peer that does not answer a close frame is cut off
# What a header can carry unchanged, and no name needs more of.
_TARGET = re.compile(r"[!-~]{1,1024}")

Event = dict[str, Any]


def now() -> datetime:
    """The time by the gateway's clock, aware, UTC."""
    return datetime.now(UTC)


class Connection(ServerConnection):
    """One client's socket, and what API Gateway knows and tells about it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.connection_id = _new_id()
        self.connected_at = now()
        self.opened_at = self.active_at = self.loop.time()
        self.query = ""
        self.headers: dict[str, list[str]] = {}
        self.identity = {"sourceIp": "", "userAgent": ""}

    @property
    def charger(self) -> str:
        """Whose socket it is, by its path; empty for a browser's."""
        return self.headers.get(TARGET_HEADER, [""])[0].partition("?")[0]

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
            "lastActiveAt": _iso(now() - idle),
            "identity": self.identity,
        }

    def connect_event(self) -> Event:
        event = self._event("$connect", "CONNECT") | _both_shapes(self.headers)
        if query := parse_qs(self.query, keep_blank_values=True):
            event["queryStringParameters"] = {name: values[-1] for name, values in query.items()}
            event["multiValueQueryStringParameters"] = query
        return event

    def message_event(self, message: str | bytes) -> Event:
        event = self._event(route_of(message), "MESSAGE", messageId=_new_id())
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
        at, request_id = now(), _new_id()
        context = {
            "routeKey": route_key,
            "eventType": event_type,
            "messageDirection": "IN",
            "connectionId": self.connection_id,
            "connectedAt": _epoch_ms(self.connected_at),
            "requestTime": at.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "requestTimeEpoch": _epoch_ms(at),
            "requestId": request_id,
            "extendedRequestId": request_id,
            "apiId": "local",
            "domainName": "localhost",
            "stage": "local",
            "identity": self.identity,
        }
        return {"requestContext": context | details, "isBase64Encoded": False}


def read_charger_path(socket: ServerConnection, request: Request) -> Response | None:
    """What the edge does on AWS: path and query become a header nobody can forge; other paths are unknown."""
    assert isinstance(socket, Connection)
    if not is_for_chargers(request.path):
        return socket.respond(404, "Connect to /ocpp/{charger id}\n")
    socket.query = request.path.partition("?")[2]
    secret = os.environ.get("KERB_EDGE_SECRET", "")
    socket.headers = {
        **headers_as_sent(request.headers),
        TARGET_HEADER: [request.path],
        EDGE_SECRET_HEADER: [secret],
        **_certificate_shown(socket),
    }
    if socket.remote_address:  # nothing, if the client left already
        socket.identity["sourceIp"] = socket.remote_address[0]
    socket.identity["userAgent"] = ", ".join(request.headers.get_all("User-Agent"))
    # Which subprotocol to speak is for the connect hook to say; odd offers must not fail before it sees them.
    if SUBPROTOCOL_HEADER in request.headers:
        del request.headers[SUBPROTOCOL_HEADER]
    return None


def route_of(message: str | bytes) -> str:
    """The route of a message: an answer's or a SEND's own, by the number it begins with; `$default` for what is not."""
    try:
        frame = json.loads(message)
    except (ValueError, RecursionError):
        return DEFAULT_ROUTE
    kind = str(frame[0]) if isinstance(frame, list) and frame else ""
    return kind if kind in UNANSWERED_ROUTES else DEFAULT_ROUTE


def is_for_chargers(target: str) -> bool:
    """Whether path and query, as they came, are handed on."""
    return is_chargers_door(target) and _TARGET.fullmatch(target) is not None


def _certificate_shown(socket: ServerConnection) -> dict[str, list[str]]:
    """The client's certificate, which the TLS layer has verified; nothing for a client that showed none."""
    tls = socket.transport.get_extra_info("ssl_object")
    der = tls.getpeercert(binary_form=True) if tls else None
    if not der:
        return {}
    certificate = x509.load_der_x509_certificate(der)
    return {
        "X-Kerb-Client-Cert-Subject": [certificate.subject.rfc4514_string()],
        "X-Kerb-Client-Cert-Issuer": [certificate.issuer.rfc4514_string()],
        "X-Kerb-Client-Cert-Serial": [f"{certificate.serial_number:x}"],
        "X-Kerb-Client-Cert-Sha256": [hashlib.sha256(der).hexdigest()],
    }


def headers_as_sent(headers: Headers) -> dict[str, list[str]]:
    """Every value of every header under its first spelling, but for what only the edge may say."""
    spellings: dict[str, str] = {}
    values: dict[str, list[str]] = {}
    for name, value in headers.raw_items():
        if not name.lower().startswith("x-kerb-"):
            values.setdefault(spellings.setdefault(name.lower(), name), []).append(value)
    return values


def _both_shapes(headers: dict[str, list[str]]) -> Event:
    return {"headers": {name: values[-1] for name, values in headers.items()}, "multiValueHeaders": headers}


def _new_id() -> str:
    """An id that looks like API Gateway's, `=` included: it must survive being quoted in a path."""
    return base64.urlsafe_b64encode(secrets.token_bytes(11)).decode()


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _epoch_ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
