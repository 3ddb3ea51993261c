"""The chargers' WebSocket: its three events become calls to connections and conversation.

What the edge says of the charger is believed. API Gateway hands a WebSocket no path, so the edge carries path and
query, as they came, into the header read here.
"""

from __future__ import annotations

import base64
import hmac
import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from chalice.app import WebsocketEvent

from chalicelib.handlers.http.observability import count
from chalicelib.records.chargers import Gone
from chalicelib.services.chargers.connections import ChargerCredentials, Refused
from chalicelib.wiring import network

TARGET_HEADER = "x-kerb-target"
# What an edge of before sends for a moment while a deployment is rolled out: the name alone, decoded.
FORMER_HEADER = "x-kerb-charger-id"
EDGE_SECRET_HEADER = "x-kerb-edge-secret"  # noqa: S105
CERTIFICATE_HEADER = "x-kerb-client-cert-subject"
# CloudFront's own (the edge leaves out a client's), where it sends one: NotBefore=<ISO 8601>;NotAfter=<ISO 8601>.
VALIDITY_HEADER = "cloudfront-viewer-cert-validity"
_NOT_AFTER = re.compile(r"NotAfter=([0-9TZ:.+-]{16,40})", re.IGNORECASE)
_log = logging.getLogger(__name__)

Response = dict[str, Any]


def connect(event: WebsocketEvent) -> Response:
    """Admit a charger, or refuse it before the socket opens."""
    request = event.to_dict()
    headers = {name.lower(): value for name, value in (request.get("headers") or {}).items()}
    if not _came_through_the_edge(headers):
        _log.warning("a socket that did not come through the edge")
        count("EdgePassedBy")
        return {"statusCode": 403}
    target = headers.get(TARGET_HEADER) or headers.get(FORMER_HEADER, "")
    offers = [offer.strip() for offer in headers.get("sec-websocket-protocol", "").split(",") if offer.strip()]
    try:
        credentials = ChargerCredentials(
            headers.get("authorization"), headers.get(CERTIFICATE_HEADER), _certificate_until(headers)
        )
        protocol = network().connections.open(event.connection_id, target, credentials, offers, _opened_at(request))
    except Refused as refused:
        _log.warning("charger refused", extra={"why": refused.why, "reason": refused.reason})
        count("ChargersRefused", status=str(refused.status))
        challenge = {"WWW-Authenticate": 'Basic realm="kerb"'} if refused.status == 401 else {}
        return {"statusCode": refused.status, "headers": challenge}
    return {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": protocol} if protocol else {}}


def _came_through_the_edge(headers: Mapping[str, str]) -> bool:
    """Only the edge knows the secret; whoever finds the way behind it could forge what the edge says of a charger."""
    secret = network().setting("EDGE_SECRET")
    if not secret:
        # A secret that is empty is no secret: whoever sends nothing would know it.
        return False
    return hmac.compare_digest(headers.get(EDGE_SECRET_HEADER, "").encode(), secret.encode())


def _opened_at(request: Response) -> datetime:
    return datetime.fromtimestamp(request["requestContext"]["connectedAt"] / 1000, UTC)


def _certificate_until(headers: Mapping[str, str]) -> datetime | None:
    """When the certificate ends that the edge verified; None where it showed none, or nobody says."""
    told = _NOT_AFTER.search(headers.get(VALIDITY_HEADER, "")) if CERTIFICATE_HEADER in headers else None
    try:
        until = datetime.fromisoformat(told[1]) if told else None
    except ValueError:
        return None
    return until.replace(tzinfo=until.tzinfo or UTC) if until is not None else None


def message(event: WebsocketEvent) -> Response:
    """Take one frame; the answer goes back as the route's response, which costs no further call."""
    try:
        answer = network().conversation.receive(event.connection_id, _text(event))
    except Gone:
        _log.warning("a frame from a socket nobody opened", extra={"connection_id": event.connection_id})
        network().link.close(event.connection_id)
        return {"statusCode": 410}
    # Without a body nothing should be sent; where the route has a response, an empty frame may be (docs/ocpp.md).
    return {"statusCode": 200, "body": answer} if answer is not None else {"statusCode": 200}


def _text(event: WebsocketEvent) -> str:
    body = event.body or ""
    if not event.to_dict().get("isBase64Encoded"):
        return body
    # Some firmwares send text in binary frames.
    return base64.b64decode(body).decode("utf-8", "replace")


def disconnect(event: WebsocketEvent) -> Response:
    """A socket has closed: best effort, perhaps late, perhaps twice."""
    context = event.to_dict()["requestContext"]
    why = f"{context.get('disconnectStatusCode', '')} {context.get('disconnectReason', '')}".strip()
    network().connections.close(event.connection_id, why)
    return {"statusCode": 200}
