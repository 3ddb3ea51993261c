"""Decoders of what an OCPP 2.x charger tells beside its charges: news, a part of a report, or a request.

Nothing of it is lost: what each says in detail stays in the charger's own words, in its message log, and in the reports
kept for its operator.
"""

from __future__ import annotations

import msgspec

from chalicelib.domain.chargers.events import (
    ChargerEvent,
    Need,
    NewsReceived,
    ReportKind,
    ReportReceived,
    Requested,
    Topic,
)
from chalicelib.protocol.ocpp.dialect import Decoder
from chalicelib.protocol.ocpp.payload import Payload


def news(topic: Topic, *path: str) -> Decoder:
    """Decodes what is about `topic`; the word for it stands under `path`, if it has one."""

    def decode(payload: Payload) -> ChargerEvent:
        *outer, name = path or ("",)
        for step in outer:
            payload = payload.part(step)
        return NewsReceived(topic, payload.text(name)[:100] if name else "")

    return decode


def event_news(payload: Payload) -> NewsReceived:
    """Decodes NotifyEvent: the gravest of its events in one line; all of them are in the message log."""
    events = [it.data for it in payload.parts("eventData")]
    gravest = next((it for it in events if it.get("trigger") == "Alerting"), events[0] if events else {})
    where = ".".join(_name(gravest.get(it)) for it in ("component", "variable"))
    state = "cleared" if gravest.get("cleared") is True else str(gravest.get("trigger") or "")
    value = str(gravest.get("actualValue") if gravest.get("actualValue") is not None else "")
    return NewsReceived(Topic.DEVICE, " ".join(it for it in (where, state, value) if it.strip("."))[:100])


def _name(part: object) -> str:
    if not isinstance(part, dict):
        return ""
    name, instance = str(part.get("name") or ""), part.get("instance")
    return f"{name}/{instance}" if instance else name


def report(kind: ReportKind) -> Decoder:
    """Decodes one part of a report. A report that does not say so is whole."""

    def decode(payload: Payload) -> ChargerEvent:
        return ReportReceived(
            kind=kind,
            request_id=payload.integer("requestId"),
            # ReportChargingProfiles and NotifyDisplayMessages do not number their parts.
            seq_no=payload.optional_integer("seqNo") or 0,
            is_last=payload.data.get("tbc") is not True,
            body=msgspec.json.encode(payload.data).decode(),
        )

    return decode


def requested(need: Need, name: str | None = None) -> Decoder:
    """Decodes what a charger asks for; what it gives for that stands under `name`."""
    return lambda payload: Requested(need, payload.long_text(name) if name else "")
