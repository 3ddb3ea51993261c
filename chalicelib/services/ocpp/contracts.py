"""Plug & Charge: contracts for cars, what their certificates are worth, and whether these are revoked.

A contract's own provider is asked, and nobody else; without one, or where it is slow or says no, the car is told so in
time and its driver shows a card. A certificate is good that leads to a trusted root, is in force, and whose issuers'
responders all say so: where one cannot be asked, it is not (C07.FR.05).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from cryptography import x509

from chalicelib.domain.chargers.contracts import (
    CertificateId,
    CertificateStatus,
    ContractAnswer,
    ContractRequested,
    ContractShown,
    Revocation,
    RevocationAnswer,
    RevocationAnswers,
    RevocationsAsked,
)
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.drivers.emaid import emaid_in, emaid_of
from chalicelib.ports import Clock
from chalicelib.ports.ocpp import CertificateMemory, ContractProvider, Responders
from chalicelib.protocol.contracts.chain import looked_at, roots_of
from chalicelib.protocol.contracts.revocation import answer_of, failed, id_of, question
from chalicelib.records.chargers import Connection
from chalicelib.records.ocpp import ContractUnavailable, ProvidedContract, ResponderUnavailable
from chalicelib.services.at_once import together

# A root is taken out of its pool within a day, and a certificate is revoked within one: after that an answer is asked
# for again, and for a week the old one is good while nobody gives a new one.
_ROOTS_KEPT = timedelta(days=1)
_ANSWERS_ASKED_ANEW, _ANSWERS_KEPT = timedelta(days=1), timedelta(days=7)
_ROOTS = "roots"
# A busy charger meets a dozen contracts an hour, and most of what is asked about them is remembered.
_MOST_ASKED_PER_H = 60
_TOO_OFTEN = "asked too often"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class PlugAndCharge:
    """Asks the contract provider (None: there is none) and responders. `own_roots` are trusted besides its own."""

    provider: ContractProvider | None
    responders: Responders
    memory: CertificateMemory
    own_roots: Sequence[str]
    clock: Clock

    def contract(self, connection: Connection, asked: ContractRequested) -> ContractAnswer:
        """The contract that a car asks for, as its provider wrote it; or why there is none."""
        try:
            found = self._contracts(connection, asked)
        except ContractUnavailable as error:
            _log.warning("no contract for a car", extra={"charger_id": connection.charger_id, "why": str(error)})
            return ContractAnswer(why=str(error))
        if len(found[0].exi) > asked.longest:
            return ContractAnswer(why="contract too long")
        most = len(found) if asked.most is None else min(len(found), max(asked.most, 1))
        is_one_of_many = asked.most is not None or bool(asked.emaids)
        return ContractAnswer(exi=found[0].exi, remaining=most - 1 if is_one_of_many else None)

    def _contracts(self, connection: Connection, asked: ContractRequested) -> Sequence[ProvidedContract]:
        if self.provider is None:
            raise ContractUnavailable("no provider is set")
        if not self._may_ask(connection):
            raise ContractUnavailable(_TOO_OFTEN)
        first = [emaid_of(it) for it in asked.emaids]
        found = self.provider.contracts(asked)
        return sorted(found, key=lambda it: first.index(name) if (name := emaid_of(it.emaid)) in first else len(first))

    def revocations(self, connection: Connection, asked: RevocationsAsked) -> RevocationAnswers:
        """What responders say of the certificates that a charger names, for it to pass on. They are asked at once."""
        told = self._told(connection, [(it, None) for it in asked.certificates])
        if asked.longest:
            told = [failed("answer too long") if len(it.ocsp) > asked.longest else it for it in told]
        return RevocationAnswers(tuple(told))

    def worth(self, connection: Connection, token: str, shown: ContractShown) -> CertificateStatus:
        """What certificates are worth that were shown with a token: as that very contract's, and of nobody else's."""
        emaid = emaid_in(token)
        if emaid is None:
            return CertificateStatus.CHAIN_ERROR
        asked: Sequence[tuple[CertificateId, x509.Certificate | None]]
        if shown.chain:
            chain = looked_at(shown.chain, emaid, self._roots(), self.clock())
            if chain.status is not CertificateStatus.ACCEPTED:
                return chain.status
            named = [(id_of(subject, issuer), issuer) for subject, issuer in chain.links]
            # ISO 15118-2 annex F wants a responder in each; where none is named, nobody can be asked.
            asked = [(it, issuer) for it, issuer in named if it.url]
        else:
            asked = [(it, None) for it in shown.certificates]
        said = {it.status for it in self._told(connection, asked)}
        if Revocation.REVOKED in said:
            return CertificateStatus.REVOKED
        if Revocation.FAILED in said:
            return CertificateStatus.CHAIN_ERROR
        return CertificateStatus.NOT_AVAILABLE if Revocation.UNKNOWN in said else CertificateStatus.ACCEPTED

    def _told(
        self, connection: Connection, asked: Sequence[tuple[CertificateId, x509.Certificate | None]]
    ) -> list[RevocationAnswer]:
        """One read, and a request and two writes for each that is not remembered."""
        if not asked:
            return []
        known = self.memory.known([_name(it) for it, _ in asked], self.clock())

        def told(it: CertificateId, issuer: x509.Certificate | None) -> RevocationAnswer:
            return self._one(connection, it, issuer, known.get(_name(it)))

        # Bound now: each asks about its own.
        works = [lambda it=it, issuer=issuer: told(it, issuer) for it, issuer in asked]
        return [it for it in together(*works) if isinstance(it, RevocationAnswer)]

    def _one(
        self, connection: Connection, asked: CertificateId, issuer: x509.Certificate | None, known: str | None
    ) -> RevocationAnswer:
        request, now = question(asked), self.clock()
        if request is None or not asked.url:
            return failed("no such certificate" if request is None else "no responder named")
        # Signed by its issuer or not is looked at each time: who asked before may not have known the issuer.
        before, asked_at = _remembered(known, asked, now, issuer)
        if before is not None and now < asked_at + _ANSWERS_ASKED_ANEW:
            return before
        if not self._may_ask(connection):
            return before or failed(_TOO_OFTEN)
        try:
            answer = answer_of(self.responders.ask(asked.url, request), asked, now, issuer)
        except ResponderUnavailable as error:
            answer = failed(str(error))
        if answer.status is Revocation.FAILED:
            _log.warning("no word on a certificate", extra={"why": answer.why})
            return before or answer
        # "Unknown" is what a responder says of a contract that is too new for it: that is asked again.
        if answer.status is not Revocation.UNKNOWN and answer.until is not None and answer.until > now:
            said = f"{now.isoformat()} {answer.ocsp}"
            self.memory.remember(_name(asked), said, min(answer.until, now + _ANSWERS_KEPT))
        return answer

    def _may_ask(self, connection: Connection) -> bool:
        """One write. Whoever is asked may be slow, or is paid: a charger has them asked so many times an hour."""
        return self.memory.count(connection.charger_id, self.clock()) <= _MOST_ASKED_PER_H

    def _roots(self) -> Sequence[x509.Certificate]:
        """One read; a request and a write a day, where a provider is set."""
        pooled = self.memory.known([_ROOTS], self.clock()).get(_ROOTS) if self.provider is not None else None
        roots: Sequence[str] = json.loads(pooled) if pooled is not None else self._pooled()
        return roots_of(der for it in (*self.own_roots, *roots) if (der := _bytes(it)))

    def _pooled(self) -> Sequence[str]:
        if self.provider is None:
            return ()
        try:
            roots = list(self.provider.roots())
        except ContractUnavailable as error:
            _log.warning("no roots of contracts", extra={"why": str(error)})
            return ()
        self.memory.remember(_ROOTS, json.dumps(roots), self.clock() + _ROOTS_KEPT)
        return roots


def _remembered(
    known: str | None, asked: CertificateId, now: datetime, issuer: x509.Certificate | None
) -> tuple[RevocationAnswer | None, datetime]:
    """What was remembered, where it still counts, and when that was asked."""
    asked_at, _, encoded = (known or "").partition(" ")
    if not encoded:
        return None, now
    answer = answer_of(base64.b64decode(encoded), asked, now, issuer)
    return answer if answer.status is not Revocation.FAILED else None, datetime.fromisoformat(asked_at)


def _name(asked: CertificateId) -> str:
    """Under what an answer is remembered: its responder's address too, which whoever asks has chosen."""
    told = "\x1f".join((asked.url, asked.algorithm, asked.issuer_name_hash, asked.issuer_key_hash, asked.serial))
    return hashlib.sha256(told.encode()).hexdigest()


def _bytes(encoded: str) -> bytes:
    try:
        return base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""
