"""Plug & Charge over OCPP 1.6: 2.0.1's own messages, written into DataTransfer.

As "Using ISO 15118 Plug & Charge with OCPP 1.6" (an application note of the Open Charge Alliance) has it: the vendor is
always the same, `messageId` is 2.0.1's action, `data` its payload as JSON. What else a vendor sends is none of this.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from chalicelib.domain.chargers.answers import Answer, Decision
from chalicelib.domain.chargers.events import ChargerEvent, Need, Requested
from chalicelib.protocol.ocpp import dialect_for
from chalicelib.protocol.ocpp.dialect import Fields
from chalicelib.protocol.ocpp.payload import Payload, Unusable

_VENDOR = "org.openchargealliance.iso15118pnc"
# Imported when a charger first says something of this.
_SPOKEN_BY = "ocpp2.0.1"
_SPOKEN = frozenset({"Authorize", "Get15118EVCertificate", "GetCertificateStatus", "SignCertificate"})
_LONGEST = 20_000


def transfer(payload: Payload) -> ChargerEvent:
    """Decodes DataTransfer: what 2.0.1 says, or a vendor's own words. Raises Unusable."""
    vendor = payload.text("vendorId")
    action = _action(payload.data)
    if action is None:
        return Requested(Need.VENDOR_DATA, vendor)
    inner = Payload(_inner(payload.data), payload.received_at)
    event = dialect_for(_SPOKEN_BY).decoders[action](inner)
    payload.deviations.extend(f"data.{it}" for it in inner.deviations)
    return event


def transfer_reply(answer: Answer, asked: Mapping[str, Any]) -> Fields:
    """Answers DataTransfer with what 2.0.1 would answer, as JSON."""
    action = _action(asked)
    if action is not None:
        data = dialect_for(_SPOKEN_BY).repliers[action](answer, _inner(asked))
        return {"status": "Accepted", "data": msgspec.json.encode(data).decode()}
    if isinstance(answer, Decision) and answer.granted:
        return {"status": "Accepted"}
    return {"status": "UnknownMessageId" if asked.get("vendorId") == _VENDOR else "UnknownVendorId"}


def transferred(action: str, payload: Mapping[str, Any]) -> tuple[str, Fields]:
    """What a charger is asked in 2.0.1's words."""
    data = msgspec.json.encode(payload).decode()
    return "DataTransfer", {"vendorId": _VENDOR, "messageId": action, "data": data}


def _action(asked: Mapping[str, Any]) -> str | None:
    action = asked.get("messageId")
    is_spoken = asked.get("vendorId") == _VENDOR and isinstance(action, str) and action in _SPOKEN
    return action if is_spoken else None


def _inner(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    said = asked.get("data")
    try:
        found = msgspec.json.decode(said) if isinstance(said, str) and len(said) <= _LONGEST else said
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Unusable("TypeConstraintViolation", f"data is no JSON object of {_LONGEST} characters at the most")
    return found
