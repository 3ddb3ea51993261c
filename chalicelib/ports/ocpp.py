"""Ports of whatever chargers ask for beyond charging: contracts, certificates, schedules, vendors' services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from chalicelib.domain.chargers.answers import Decision
    from chalicelib.domain.chargers.contracts import (
        CertificateStatus,
        ContractAnswer,
        ContractRequested,
        ContractShown,
        RevocationAnswers,
        RevocationsAsked,
    )
    from chalicelib.domain.chargers.events import ChargingNeedsTold, ChargingPlanTold, Need
    from chalicelib.records.chargers import Connection
    from chalicelib.records.ocpp import ProvidedContract


class PowerNeeds(Protocol):
    """Takes in what cars say of the power they need, and of what they are going to draw."""

    def told(self, connection: Connection, needs: ChargingNeedsTold) -> bool:
        """Whether it counts: what the car may draw is looked at anew. False where nobody shares out power."""

    def planned(self, connection: Connection, plan: ChargingPlanTold) -> bool:
        """Whether the car is going to stay within what it may draw, as far as anybody limits that."""


class Provider(Protocol):
    """Gives chargers what they ask for beyond charging: certificates, schedules, a vendor's services."""

    def provide(self, connection: Connection, need: Need, content: str) -> Decision:
        """Decide on what a charger asks for.

        `content` is what it gives for that, a certificate signing request, say.
        """


class Contracts(Protocol):
    """Plug & Charge as a charger's conversation needs it: loaded only where a charger speaks of it."""

    def contract(self, connection: Connection, asked: ContractRequested) -> ContractAnswer:
        """The contract that a car asks for, or why there is none."""

    def revocations(self, connection: Connection, asked: RevocationsAsked) -> RevocationAnswers:
        """Whether certificates are revoked, as their issuers' responders say."""

    def worth(self, connection: Connection, token: str, shown: ContractShown) -> CertificateStatus:
        """What certificates are worth that were shown with a token."""


class ContractProvider(Protocol):
    """Has the contracts of cars, as their mobility operators left them there: one provider for a whole deployment."""

    def contracts(self, asked: ContractRequested) -> Sequence[ProvidedContract]:
        """The contracts that there are for a car's request, the likeliest first. Raises ContractUnavailable."""

    def roots(self) -> Sequence[str]:
        """The roots of mobility operators that it knows, in base64 (DER). Raises ContractUnavailable."""


class Responders(Protocol):
    """Answer for certificates (OCSP), wherever on the open internet they are."""

    def ask(self, url: str, question: bytes) -> bytes:
        """A responder's answer, as it came. Raises ResponderUnavailable, with why in 20 signs."""


class CertificateMemory(Protocol):
    """Remembers what was said of certificates, for all processes, until it is out of date."""

    def known(self, names: Iterable[str], at: datetime) -> Mapping[str, str]:
        """What is remembered under these names, by name, and not out of date by then."""

    def remember(self, name: str, said: str, until: datetime) -> None:
        """Remember it until then."""

    def count(self, charger_id: str, at: datetime) -> int:
        """Count what somebody outside is asked for a charger; returns how many times that hour."""
