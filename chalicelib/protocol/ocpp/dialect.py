"""A dialect: one version of OCPP as four tables.

How to read a charger, how to answer it, how to ask it, and how it answers. A version that grew out of another starts
from its tables and changes what changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from chalicelib.domain.chargers.commands import (
    Ask,
    AuthorizationStatus,
    ChangePassword,
    Command,
    CommandResult,
    Unable,
    Verdict,
)
from chalicelib.domain.chargers.events import ChargerEvent, ChargingStarted
from chalicelib.domain.data_classes import dataclass
from chalicelib.protocol.ocpp import profiles
from chalicelib.protocol.ocpp.frames import Call, CallError, ProtocolError, is_known, schema_names, violation
from chalicelib.protocol.ocpp.payload import Payload, Unusable, as_identifier

if TYPE_CHECKING:
    from chalicelib.domain.chargers.answers import Answer

Fields = dict[str, Any]
Decoder = Callable[[Payload], ChargerEvent]
# What it answers, given the answer and what was asked.
Replier = Callable[[Any, Mapping[str, Any]], Fields]
Encoder = Callable[[Any], tuple[str, Fields]]

_ACCEPTED = frozenset({"Accepted", "Scheduled", "RebootRequired", "Unlocked", "AcceptedCanceled", "Unpublished"})
_NOES = frozenset({"Rejected", "Failed", "NotFound", "NotSupported"})
# Answers that are given item by item: where the items stand, and what their status is called.
_ITEMISED = {
    "setVariableResult": "attributeStatus",
    "getVariableResult": "attributeStatus",
    "setMonitoringResult": "status",
    "clearMonitoringResult": "status",
    "clearTariffsResult": "status",
}


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded message: what a charger said, and what had to be forgiven to understand it."""

    event: ChargerEvent
    deviation: str | None = None


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """One version of OCPP: its decoders, repliers, encoders and spellings.

    `schemas` is its folder in the `ocpp` library, `request` how a request's schema ends there. `silent` are the
    requests nobody answers, `confidential` those whose content is nobody's business but the operator's who asked.
    `tells_cost_in_answers`: a charge's cost so far goes with the answer to its readings.
    """

    subprotocol: str
    schemas: str
    request: str
    decoders: Mapping[str, Decoder]
    repliers: Mapping[str, Replier]
    encoders: Mapping[type, Encoder]
    spelling: Mapping[str, str]
    assign_ref: Callable[[str, ChargingStarted, int], str]
    # Both sides send these.
    mutual: frozenset[str] = frozenset({"DataTransfer"})
    silent: frozenset[str] = frozenset()
    confidential: frozenset[str] = frozenset()
    tells_cost_in_answers: bool = False

    def decode(self, call: Call, received_at: datetime) -> Decoded:
        """Understand a charger's request, liberally. Raises ProtocolError when a needed fact is not in it."""
        decoder = self.decoders.get(call.action)
        schema = self._schema(call.action)
        if decoder is None:
            known = is_known(self.schemas, schema)
            code = "NotSupported" if known else "NotImplemented"
            raise ProtocolError(code, f"{call.action[:50]} is not served here", call.message_id)
        payload = Payload(call.payload, received_at)
        if call.bent:
            payload.deviations.append(call.bent)
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
        return replier(answer, call.payload) if replier else {}

    def encode(self, command: Command) -> tuple[str, Fields]:
        """The action and payload that ask for `command`. Raises Unable when this version cannot, or not so."""
        if isinstance(command, Ask):
            action, payload = command.action, dict(command.payload)
        else:
            encoder = self.encoders.get(type(command))
            if encoder is None:
                raise Unable(f"{self.subprotocol} has no word for {type(command).__name__}")
            action, payload = encoder(command)
        if action not in self.asks():
            raise Unable(f"{self.subprotocol} has no request {action!r} for a charger")
        wrong = violation(self.schemas, self._schema(action), payload)
        if wrong is not None:
            raise Unable(f"{action}: {wrong.description}")
        if not isinstance(command, ChangePassword) and _sets_password(action, payload):
            raise Unable("a password that only the charger knows locks it out; change it with POST .../password")
        flaw = profiles.flaw(action, payload)
        if flaw is not None:
            raise Unable(f"{action}: {flaw}")
        return action, payload

    def asks(self) -> frozenset[str]:
        """The actions a charger of this version can be asked for."""
        return requests_of(self) - (self.decoders.keys() - self.mutual)

    def read_result(self, action: str, payload: Mapping[str, Any]) -> CommandResult:
        """What a charger's answer to our `action` amounts to. An answer nobody understands is a failure."""
        schema = f"{action}Response"
        # A charger that came back with another version may answer what it was asked in the first.
        wrong = violation(self.schemas, schema, payload) if schema in schema_names(self.schemas) else None
        words = _statuses(payload)
        if action == "DataTransfer":
            words += _noes_within(payload.get("data"))
        if words:
            # A word the standard does not have is no clear no.
            no = Verdict.REJECTED if wrong is None else Verdict.FAILED
            verdict = Verdict.ACCEPTED if all(word in _ACCEPTED for word in words) else no
        else:
            # Some answers are nothing but what was asked for.
            verdict = Verdict.ACCEPTED if wrong is None else Verdict.FAILED
        return CommandResult(
            verdict=verdict,
            detail=", ".join(dict.fromkeys(words))[:100],
            ref=as_identifier(payload.get("transactionId")),
            data=payload,
            deviation=wrong.description if wrong else None,
        )

    def read_error(self, error: CallError) -> CommandResult:
        """A CALLERROR is a failure in the charger's own words."""
        return CommandResult(verdict=Verdict.FAILED, detail=f"{error.code}: {error.description}"[:200])

    def _schema(self, action: str) -> str:
        # What nobody answers is no request, and its schema has no such ending.
        return action if action in self.silent else action + self.request


def requests_of(dialect: Dialect) -> frozenset[str]:
    """Every action of a version, whoever sends it."""
    names = {
        name.removesuffix(dialect.request) for name in schema_names(dialect.schemas) if not name.endswith("Response")
    }
    return frozenset(names)


def _sets_password(action: str, payload: Mapping[str, Any]) -> bool:
    """Whether a charger that obeys will log in with another password (1.6 AuthorizationKey, 2.x A01)."""
    if action == "ChangeConfiguration":
        return _same(payload["key"], "AuthorizationKey")
    if action == "SetVariables":
        return any(_same(it["variable"]["name"], "BasicAuthPassword") for it in payload["setVariableData"])
    if action == "SetNetworkProfile":
        return payload["connectionData"].get("basicAuthPassword") is not None
    return False


def _same(name: str, known: str) -> bool:
    """Names of settings are the same however they are spelled."""
    return name.strip().casefold() == known.casefold()


def _statuses(payload: Mapping[str, Any]) -> list[str]:
    status = payload.get("status")
    if status is not None:
        return [str(status)[:50]]
    words: list[str] = []
    for items, name in _ITEMISED.items():
        found = payload.get(items)
        for item in found if isinstance(found, list) else ():
            if isinstance(item, dict):
                words.append(str(item.get(name))[:50])
    return words


def _noes_within(data: object) -> list[str]:
    """A no in what was transferred, to a message that was taken all the same; what else it says is the vendor's."""
    try:
        told = msgspec.json.decode(data) if isinstance(data, str) else data
    except (ValueError, RecursionError):
        return []
    return [it for it in _statuses(told) if it in _NOES] if isinstance(told, dict) else []


def timestamp(at: datetime) -> str:
    """RFC 3339, UTC, milliseconds: what every charger's parser has seen before."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def present(**fields: Any) -> Fields:
    """The fields that have a value."""
    return {name: value for name, value in fields.items() if value is not None}


def standing_of(answer: Answer, words: Mapping[AuthorizationStatus, str]) -> str | None:
    """The version's word for how the token shown stands, if one was shown."""
    standing: AuthorizationStatus | None = getattr(answer, "standing", None)
    return words[standing] if standing is not None else None


# "ocpp1.6" by the registry; the field has ocpp1.6J, OCPP16, ocpp-1.6-json, v1.6.
_SPELLING = re.compile(r"(?:ocpp)?[-_/ ]?v?(1\.?6|2\.?0\.?1|2\.?1)(?:\.0)?[-_ ]?(?:j|json)?", re.IGNORECASE)
_VERSIONS = {"16": "ocpp1.6", "201": "ocpp2.0.1", "21": "ocpp2.1"}


def subprotocol_of(offer: str) -> str | None:
    """The subprotocol that an offer means, in the registry's spelling; None for one that is no version of ours."""
    found = _SPELLING.fullmatch(offer.strip().strip("\"'"))
    return _VERSIONS[found[1].replace(".", "")] if found else None


def choose_among(offers: Sequence[str], preferred: Sequence[str]) -> str | None:
    """The first of `preferred` that is offered, spelled as it was offered (RFC 6455 wants just that back)."""
    meant = {subprotocol_of(offer): offer.strip() for offer in reversed(offers)}
    return next((meant[protocol] for protocol in preferred if protocol in meant), None)
