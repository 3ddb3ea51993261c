"""A version of OCPP is four tables: how to read a charger, how to answer it, how to ask it, and how it answers.

A version that grew out of another starts from its tables and changes what changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.domain.commands import Answer, Command, CommandResult, Standing, Verdict
from chalicelib.domain.events import ChargerEvent, ChargingStarted
from chalicelib.protocol.frames import Call, CallError, ProtocolError, is_known, violation
from chalicelib.protocol.payload import Payload, Unusable, as_identifier

Fields = dict[str, Any]
Decoder = Callable[[Payload], ChargerEvent]
Replier = Callable[[Any], Fields]
Encoder = Callable[[Any], Fields]

_VERDICTS = {"Accepted": Verdict.ACCEPTED, "Scheduled": Verdict.ACCEPTED, "Rejected": Verdict.REJECTED}


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a charger said, and what had to be forgiven to understand it."""

    event: ChargerEvent
    deviation: str | None = None


@dataclass(frozen=True)
class Dialect:
    """One version. `schemas` is its folder in the `ocpp` library, `request` how a request's schema is called there."""

    subprotocol: str
    schemas: str
    request: str
    decoders: Mapping[str, Decoder]
    repliers: Mapping[str, Replier]
    encoders: Mapping[type, tuple[str, Encoder]]
    spelling: Mapping[str, str]
    assign_ref: Callable[[str, ChargingStarted, int], str]

    def decode(self, call: Call, received_at: datetime) -> Decoded:
        """Understand a charger's request, liberally. Raises ProtocolError when a needed fact is not in it."""
        decoder = self.decoders.get(call.action)
        schema = self.request.format(action=call.action)
        if decoder is None:
            known = is_known(self.schemas, schema)
            code = "NotSupported" if known else "NotImplemented"
            raise ProtocolError(code, f"{call.action[:50]} is not served here", call.message_id)
        payload = Payload(call.payload, received_at)
        wrong = violation(self.schemas, schema, call.payload)
        if wrong is not None:
            payload.deviations.append(wrong.description)
        try:
            event = decoder(payload)
        except Unusable as error:
            raise ProtocolError(error.code, str(error), call.message_id) from None
        return Decoded(event, "; ".join(dict.fromkeys(payload.deviations))[:1000] or None)

    def reply(self, call: Call, answer: Answer) -> Fields:
        """The payload that answers `call`."""
        replier = self.repliers.get(call.action)
        return replier(answer) if replier else {}

    def encode(self, command: Command) -> tuple[str, Fields]:
        """The action and payload that ask for `command`."""
        action, encoder = self.encoders[type(command)]
        return action, encoder(command)

    def read_result(self, action: str, payload: Mapping[str, Any]) -> CommandResult:
        """What a charger's answer to our `action` amounts to. An answer nobody understands is a failure."""
        status = str(payload.get("status", ""))[:50]
        ref = as_identifier(payload.get("transactionId"))
        return CommandResult(_VERDICTS.get(status, Verdict.FAILED), status, ref)

    def read_error(self, error: CallError) -> CommandResult:
        """A CALLERROR is a failure in the charger's own words."""
        return CommandResult(Verdict.FAILED, f"{error.code}: {error.description}"[:200])


def timestamp(at: datetime) -> str:
    """RFC 3339, UTC, milliseconds: what every charger's parser has seen before."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def standing_of(answer: Answer, words: Mapping[Standing, str]) -> str | None:
    """The version's word for how the token shown stands, if one was shown."""
    standing: Standing | None = getattr(answer, "standing", None)
    return words[standing] if standing is not None else None


def choose_among(offers: Sequence[str], preferred: Sequence[str]) -> str | None:
    """The first of `preferred` that is offered, spelled as it was offered."""
    spelled = {offer.strip().lower(): offer.strip() for offer in offers}
    return next((spelled[protocol] for protocol in preferred if protocol in spelled), None)
