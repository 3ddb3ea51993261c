"""A socket's three events become calls to the door and the conversation; what the edge says of the charger is believed.

API Gateway hands a WebSocket no path, so the edge carries `/ocpp/{charger id}` into the header read here.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

from chalice.app import WebsocketEvent

from chalicelib import wiring
from chalicelib.handlers.shared.observe import count
from chalicelib.ports import Gone
from chalicelib.services.door import Refused

CHARGER_ID_HEADER = "x-kerb-charger-id"
_log = logging.getLogger(__name__)

Response = dict[str, Any]


def connect(event: WebsocketEvent) -> Response:
    """Admit a charger, or refuse it before the socket opens."""
    request = event.to_dict()
    headers = {name.lower(): value for name, value in (request.get("headers") or {}).items()}
    charger_id = headers.get(CHARGER_ID_HEADER, "")
    offers = [offer.strip() for offer in headers.get("sec-websocket-protocol", "").split(",") if offer.strip()]
    try:
        protocol = wiring.door().open(
            event.connection_id, charger_id, headers.get("authorization"), offers, _opened_at(request)
        )
    except Refused as refused:
        _log.warning("charger refused", extra={"charger_id": charger_id, "why": refused.why})
        count("ChargersRefused", status=str(refused.status))
        challenge = {"WWW-Authenticate": 'Basic realm="kerb"'} if refused.status == 401 else {}
        return {"statusCode": refused.status, "headers": challenge}
    return {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": protocol}}


def _opened_at(request: Response) -> datetime:
    return datetime.fromtimestamp(request["requestContext"]["connectedAt"] / 1000, UTC)


def message(event: WebsocketEvent) -> Response:
    """Take one frame; the answer goes back as the route's response, which costs no further call."""
    try:
        answer = wiring.conversation().receive(event.connection_id, event.body or "")
    except Gone:
        _log.warning("a frame from a socket nobody opened", extra={"connection_id": event.connection_id})
        wiring.link().close(event.connection_id)
        return {"statusCode": 410}
    return {"statusCode": 200, "body": answer} if answer is not None else {"statusCode": 200}


def disconnect(event: WebsocketEvent) -> Response:
    """A socket has closed: best effort, perhaps late, perhaps twice."""
    wiring.door().close(event.connection_id)
    return {"statusCode": 200}
