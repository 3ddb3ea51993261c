"""Authenticates a charger's socket. Its newest socket is the one that counts.

OCPP-J 1.6 §6.2, security whitepaper ed. 3, OCPP 2.0.1 A00: HTTP Basic, the user name being the charger's identity
(profiles 1 and 2), or its own certificate (profile 3). Only a charger that proves who it is gets a socket. Whom it is
refused hears no reason; the operator does.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from chalicelib.domain.chargers.availability import BRIEF
from chalicelib.domain.chargers.identity import (
    basic_of,
    claimed_by_user,
    claimed_in,
    common_name_of,
    is_user,
    password_of,
    told_identity,
)
from chalicelib.domain.chargers.socket_age import closing_age
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.ports.chargers import ChargerLink, ChargerPasswords, ChargerRegistry, HeldLists, Knocks, Sockets
from chalicelib.protocol.ocpp import OLDEST, choose, holds_to_user, may_boot_when_back, registered
from chalicelib.records import Conflict
from chalicelib.records.chargers import Admission, Charger, Connection, Knock, KnockReason
from chalicelib.services.access import is_operators
from chalicelib.services.at_once import together
from chalicelib.services.chargers.message_log import ChargerLog
from chalicelib.services.chargers.passwords import (
    NOBODYS_PASSWORD,
    PasswordMemory,
    guess_in_vain,
    hash_password,
    matches,
    may_hold_key,
)
from chalicelib.services.chargers.provisioning import Provisioning

_CERTIFICATE = 3
# Whoever can open sockets can make up names.
_MOST_PENDING = 1_000
_PENDING_KEPT = timedelta(days=7)
# Of a day's refusals of one kind the message log has the first ones, then the 16th, 32nd, 64th ...
_ALL_LOGGED = 10
_LONGEST_WHY = 200
# No operator's id holds a slash.
_NOBODY = "/nobody"
_log = logging.getLogger(__name__)


class Refused(Exception):
    """The handshake is refused with an HTTP status; `why` is for operator and log, not for the stranger.

    `charger` is whom it was taken for, None for a stranger. Nothing was proven, so it may have been anybody.
    """

    def __init__(self, status: int, reason: KnockReason, why: str, charger: Charger | None = None) -> None:
        super().__init__(why)
        self.status = status
        self.reason = reason
        self.why = why
        self.charger = charger


@dataclass(frozen=True, slots=True)
class ChargerCredentials:
    """What a charger proves itself by: an Authorization header, or a certificate that the edge has verified."""

    authorization: str | None = None
    certificate_subject: str | None = None
    certificate_until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Connections:
    """Opens and closes chargers' sockets.

    `newcomers_to` names the operator who is shown unknown chargers, None refuses them. `chance` draws how old a socket
    may become, from 0 to below 1; `heartbeat_s` is how often its charger says something.

    A charger that names itself otherwise than by its registered name, just so and in the right place, is let in when
    all that it says of itself fits one registered charger only, and it proves to be that one.
    """

    chargers: ChargerRegistry
    sockets: Sockets
    charger_passwords: ChargerPasswords
    held_lists: HeldLists
    link: ChargerLink
    charger_log: ChargerLog
    knocks: Knocks
    provisioning: Provisioning
    password_memory: PasswordMemory
    heartbeat_s: int
    chance: Callable[[], float]
    newcomers_to: str | None = None

    def open(
        self,
        connection_id: str,
        target: str,
        credentials: ChargerCredentials,
        offers: Sequence[str],
        opened_at: datetime,
    ) -> str | None:
        """Admit a charger's new socket; returns the subprotocol agreed, as offered, None if it offered none.

        `target` is the path it connects to, and the query. `opened_at` is the gateway's word: it orders sockets,
        whichever handler is the quicker. Raises Refused.
        """
        try:
            charger = replace(
                self._admit(target, credentials, opened_at), certificate_until=credentials.certificate_until
            )
            # A charger that names no protocol speaks what was spoken before there was a choice.
            agreed = choose(offers) if offers else OLDEST
            if agreed is None:
                why = f"no common subprotocol in {list(offers)}"[:_LONGEST_WHY]
                raise Refused(400, KnockReason.NO_SUBPROTOCOL, why, charger)
            _check_user(charger, basic_of(credentials.authorization), agreed)
        except Refused as refused:
            self._look_as_long(target, credentials, refused)
            self._tell_operator(target, credentials, refused, opened_at)
            raise
        protocol = registered(agreed)
        is_pending, is_renewal = charger.admission is Admission.PENDING, _is_renewal(charger, opened_at)
        connection = Connection(
            connection_id=connection_id,
            charger_id=charger.charger_id,
            operator_id=charger.operator_id,
            protocol=protocol,
            is_pending=is_pending,
            traced_until=charger.traced_until,
            managed_at=charger.managed_at,
            is_site_meter=charger.is_site_meter,
            closes_at=opened_at + closing_age(self.chance(), self.heartbeat_s, was_renewed=is_renewal),
            back_as=_back_as(charger, agreed, opened_at),
            certificate_until=charger.certificate_until,
        )
        try:
            replaced = self.sockets.opened(connection, opened_at, charger.password_hash, charger.password_note)
        except Conflict:
            why = f"what charger {charger.charger_id!r} showed was changed at this moment"
            too_late = Refused(401, KnockReason.WRONG_PASSWORD, why, charger)
            self._tell_operator(target, credentials, too_late, opened_at)
            raise too_late from None
        if replaced and replaced != connection_id:
            self.link.close(replaced)
        if charger.next_password_hash == charger.password_hash:
            # Its new password is used for the first time: what the old one opened is not heard any more.
            self._end(it for it in charger.sockets if it != connection_id)
        if charger.keeps_list:
            self.held_lists.mark_due(charger.charger_id)
        if not charger.is_found_in_any_case and not is_pending:
            # It was registered before names were looked for in any case.
            self.chargers.note_spelling(charger.charger_id)
        together(
            lambda: self.provisioning.connected(charger),
            lambda: self._show(charger, online=True, why=protocol, connection_id=connection_id, is_renewal=is_renewal),
        )
        _log.info("charger connected", extra={"charger_id": charger.charger_id, "protocol": protocol})
        return agreed if offers else None

    def close(self, connection_id: str, why: str = "") -> None:
        """A socket has closed; late or repeated news of it never takes a newer socket away."""
        connection = self.sockets.connection(connection_id)
        if connection is not None:
            self._closed(connection, self.sockets.closed(connection), why)

    def renew(self, connection: Connection) -> None:
        """Close a socket that is old, for its charger to open another; that it has closed is then no news."""
        self._closed(connection, self.sockets.closed(connection, renewed=True), "", is_renewal=True)
        self.link.close(connection.connection_id)

    def _closed(self, connection: Connection, charger: Charger | None, why: str, *, is_renewal: bool = False) -> None:
        if charger is not None:
            self._show(charger, online=False, why=why, connection_id=connection.connection_id, is_renewal=is_renewal)
        _log.info(
            "charger disconnected" if charger is not None else "stale socket closed",
            extra={"charger_id": connection.charger_id},
        )

    def _end(self, connection_ids: Iterable[str]) -> None:
        for connection_id in connection_ids:
            self.sockets.end(connection_id)
            self.link.close(connection_id)

    def _show(self, charger: Charger, *, online: bool, why: str, connection_id: str, is_renewal: bool) -> None:
        """The old socket's end and the new one's beginning are heard at once, and either may be written last."""
        self.charger_log.line(charger, online=online, why=why, connection_id=connection_id, is_renewal=is_renewal)
        if charger.place is not None:
            self.charger_log.look_again(self.chargers.get(charger.charger_id), wrote=online)

    def _admit(self, target: str, credentials: ChargerCredentials, at: datetime) -> Charger:
        basic = basic_of(credentials.authorization)
        claimed, users = claimed_in(target), claimed_by_user(basic or b"")
        charger = self._named_properly(claimed, users)
        if charger is None:
            charger = self._told_apart(claimed, users, basic)
        if charger is None and self.newcomers_to is not None:
            charger = self._newcomer((*claimed, *users)[:1], self.newcomers_to, basic, at)
        charger = self._proven(charger, credentials, basic)
        if charger is None:
            name, *_ = (*claimed, *users, "")
            if not name:
                raise Refused(401, KnockReason.NO_NAME, "neither its address nor its user name is a charger's name")
            raise Refused(401, KnockReason.UNKNOWN, f"charger {name!r} is not registered")
        if charger.admission is Admission.BLOCKED:
            raise Refused(403, KnockReason.BLOCKED, f"charger {charger.charger_id!r} is blocked", charger)
        if charger.silent_until is not None and at < charger.silent_until:
            why = f"charger {charger.charger_id!r} said too much; it may come back at {charger.silent_until:%H:%M} UTC"
            raise Refused(429, KnockReason.TOO_MUCH, why, charger)
        return charger

    def _named_properly(self, claimed: Sequence[str], users: Sequence[str]) -> Charger | None:
        """The charger whose address ends with its name, if no other name is in play: one read."""
        if not claimed or len(claimed) > 1 or (users and claimed[0] not in users):
            return None
        return self.chargers.get(claimed[0])

    def _told_apart(self, claimed: Sequence[str], users: Sequence[str], basic: bytes | None) -> Charger | None:
        """The one registered charger that all that was said fits. Raises Refused where it fits several."""
        names = list(dict.fromkeys((*claimed, *users)))
        if not names:
            return None
        known = self.chargers.known_as(names)
        by_address, by_user = _first(claimed, known), _first(users, known)
        alike = by_address or by_user
        if not alike:
            return None
        # A user name may be its maker's, but not another charger's of its operator: they may share a password.
        named = [it for user in users for it in known[user] if it.admission is not Admission.PENDING]
        meant = [it for it in alike if it in named]
        if meant:
            alike = meant
        elif any(is_operators(it, alike[0].operator_id) for it in named):
            why = f"its address says {alike[0].charger_id!r}, its user name {named[0].charger_id!r}"
            raise _doubtful(why, alike[0], basic)
        charger = alike[0]
        if len(alike) > 1:
            which = " and ".join(repr(it.charger_id) for it in alike)
            raise _doubtful(f"it may be {which}, whose names differ in case only", charger, basic)
        if charger.security_profile == 0 and charger.charger_id != names[0]:
            why = f"it calls itself {names[0]!r}, and charger {charger.charger_id!r} has no password to prove it by"
            raise _doubtful(why, charger, basic)
        return charger

    def _newcomer(self, names: Sequence[str], operator_id: str, basic: bytes | None, at: datetime) -> Charger | None:
        """Keep an unknown charger for its operator to see; the password it came with is its own from now on."""
        if not names:
            return None
        charger_id = names[0]
        pending = self.chargers.pending(operator_id, _MOST_PENDING)
        if pending >= _MOST_PENDING:
            why = f"{pending} unknown chargers wait already; {charger_id!r} may come back later"
            guess_in_vain(basic)
            raise Refused(401, KnockReason.TOO_MANY_WAIT, why)
        profile, password_hash = 0, NOBODYS_PASSWORD
        if basic is not None:
            profile, password_hash = 1, hash_password(password_of(basic, charger_id), secrets.token_bytes(16))
        charger = Charger(
            charger_id=charger_id,
            operator_id=operator_id,
            site_id="",
            password_hash=password_hash,
            connectors=(),
            security_profile=profile,
            admission=Admission.PENDING,
            brought_password=basic is not None,
        )
        try:
            self.chargers.propose(charger, at + _PENDING_KEPT)
        except Conflict:
            return self.chargers.get(charger_id) or charger
        _log.info("an unknown charger waits to be accepted", extra={"charger_id": charger_id})
        return charger

    def _proven(self, charger: Charger | None, credentials: ChargerCredentials, basic: bytes | None) -> Charger | None:
        """The charger, by the password that counts from now on.

        Whoever guesses is refused after as many hashes whatever there is to guess: no such charger, another password,
        one or two of them, a certificate instead. Raises Refused for a charger that does not prove to be the one it
        says.
        """
        if charger is None:
            guess_in_vain(basic)
        if charger is None or charger.security_profile < _CERTIFICATE:
            return self._with_password(charger, credentials.authorization, basic)
        if not _is_its(credentials.certificate_subject, charger):
            guess_in_vain(basic)
            why = f"charger {charger.charger_id!r} must show its own certificate"
            raise Refused(401, KnockReason.NO_CERTIFICATE, why, charger)
        return charger

    def _with_password(self, charger: Charger | None, authorization: str | None, basic: bytes | None) -> Charger | None:
        who = repr(charger.charger_id) if charger else "unknown"
        needs_none = charger is not None and charger.security_profile == 0
        if basic is None and needs_none:
            return charger
        if basic is None:
            what = "credentials that are not HTTP Basic" if authorization else "no credentials"
            raise Refused(401, KnockReason.NO_CREDENTIALS, f"charger {who} sent {what}", charger)
        if charger is None:
            return None
        password, may_be_key = password_of(basic, charger.charger_id), may_hold_key(basic)
        if self.password_memory.knows(charger, password):
            return charger
        if matches(password, charger.password_hash, may_be_key):
            return self._noted(charger, password)
        offered = charger.next_password_hash
        if matches(password, offered or NOBODYS_PASSWORD, may_be_key) and offered:
            self.charger_passwords.change(charger.charger_id, offered)
            return self._noted(replace(charger, password_hash=offered), password)
        if not needs_none:
            raise Refused(401, KnockReason.WRONG_PASSWORD, f"wrong password for charger {who}", charger)
        return charger

    def _noted(self, charger: Charger, password: bytes) -> Charger:
        return replace(charger, password_note=self.password_memory.note(charger, password))

    def _look_as_long(self, target: str, credentials: ChargerCredentials, refused: Refused) -> None:
        """Read as much as for a stranger: a charger that was found at once must not be refused the sooner."""
        claimed = claimed_in(target)
        if refused.charger is None or not claimed or refused.charger.charger_id != claimed[0]:
            return
        users = claimed_by_user(basic_of(credentials.authorization) or b"")
        if len(claimed) == 1 and (not users or claimed[0] in users):
            self.chargers.known_as(list(dict.fromkeys((*claimed, *users))))

    def _tell_operator(self, target: str, credentials: ChargerCredentials, refused: Refused, at: datetime) -> None:
        """Show a refusal to whoever can do something about it. What cannot be written stops nothing."""
        charger = refused.charger
        # Strangers nobody is shown are written down all the same, for writing takes its time.
        operator_id = charger.operator_id if charger else self.newcomers_to or _NOBODY
        said = (*claimed_in(target), *claimed_by_user(basic_of(credentials.authorization) or b""), "")
        knock = Knock(
            operator_id=operator_id,
            charger_id=charger.charger_id if charger else None,
            name=said[0],
            reason=refused.reason,
            why=refused.why,
            at=at,
            first_at=at,
        )
        try:
            knocks = self.knocks.add(knock)
        except Exception:
            _log.exception("knock not written", extra={"charger_id": knock.charger_id})
            return
        if charger is not None and (knocks <= _ALL_LOGGED or knocks.bit_count() == 1):
            self.charger_log.refused(charger.charger_id, refused.why, knocks)
        else:
            # What is written there as well must not tell from outside whose name is a charger's.
            self.knocks.add(replace(knock, knocks=0))


def _is_renewal(charger: Charger, at: datetime) -> bool:
    """Whether we closed the socket before this one, and the charger came straight back."""
    gone_at = charger.disconnected_at
    return charger.was_renewed and charger.connection_id is None and gone_at is not None and at - gone_at <= BRIEF


def _back_as(charger: Charger, subprotocol: str, at: datetime) -> str:
    """What a charger is that may say BootNotification though it is only back; empty: if it says so, it has booted."""
    if not _is_renewal(charger, at) or not may_boot_when_back(subprotocol):
        return ""
    return told_identity(charger.vendor, charger.model, charger.serial, charger.firmware)


def _first(names: Sequence[str], known: Mapping[str, Sequence[Charger]]) -> Sequence[Charger]:
    """The chargers behind the first of these names that anybody has; registered ones before those that wait."""
    found = [known[name] for name in names if known[name]]
    registered = [it for it in found if it[0].admission is not Admission.PENDING]
    return (*registered, *found, ())[0]


def _doubtful(why: str, charger: Charger, basic: bytes | None) -> Refused:
    """Not to be told apart; that takes as long as a wrong password, so that ids cannot be probed."""
    guess_in_vain(basic)
    return Refused(401, KnockReason.AMBIGUOUS, why[:_LONGEST_WHY], charger)


def _check_user(charger: Charger, basic: bytes | None, subprotocol: str) -> None:
    """Raises Refused for another user name than the charger's id where its version of OCPP asks for that."""
    asks = 0 < charger.security_profile < _CERTIFICATE and holds_to_user(subprotocol)
    if asks and basic is not None and not is_user(basic, charger.charger_id):
        user = basic.partition(b":")[0].decode("utf-8", "replace")
        why = f"its user name is {user!r}; over {subprotocol} it has to be the charger's id"
        raise Refused(401, KnockReason.WRONG_USER, why[:_LONGEST_WHY], charger)


def _is_its(subject: str | None, charger: Charger) -> bool:
    """Whether a certificate is this charger's: its common name is the charger's name, or its serial number."""
    name = common_name_of(subject or "")
    return name is not None and name in (charger.charger_id, charger.serial)
