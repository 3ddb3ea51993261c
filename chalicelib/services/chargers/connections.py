"""Only a charger that proves who it is gets a socket, and its newest socket is the one that counts.

OCPP-J 1.6 §6.2, security whitepaper ed. 3, OCPP 2.0.1 A00: HTTP Basic, the user name being the charger's identity
(profiles 1 and 2), or its own certificate (profile 3).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.ports.chargers import ChargerLink, Chargers
from chalicelib.protocol.ocpp import OLDEST, choose
from chalicelib.records import Conflict
from chalicelib.records.chargers import Admission, Charger, Connection
from chalicelib.services.chargers.message_log import ChargerLog
from chalicelib.services.chargers.provisioning import Provisioning

# 16 MiB and about 50 ms a guess: dear for a thief with the table, cheap for a charger that comes every two hours.
_COST, _BLOCK, _PARALLEL = 2**14, 8, 1
_CERTIFICATE = 3
_KEY_BYTES = 20
# RFC 4514: a comma that belongs to a value has a backslash before it.
_COMMON_NAME = re.compile(r"(?:^|(?<!\\),)\s*CN=([^,+]+)")
_CHARGER_ID = re.compile(r"[A-Za-z0-9*\-_=:+|@.]{1,48}")
# Whoever can open sockets can make up names.
_MOST_PENDING = 1_000
_PENDING_KEPT = timedelta(days=7)
_log = logging.getLogger(__name__)


class Refused(Exception):
    """The handshake is refused with an HTTP status; `why` is for the log, not for the stranger."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


def hash_password(password: bytes, salt: bytes) -> str:
    """A slow salted hash (scrypt) with its parameters, so that they can be raised later."""
    digest = hashlib.scrypt(password, salt=salt, n=_COST, r=_BLOCK, p=_PARALLEL)
    return f"scrypt${_COST}${_BLOCK}${_PARALLEL}${salt.hex()}${digest.hex()}"


def password_matches(password: bytes, stored: str) -> bool:
    """Whether `password` is the one behind `stored`, in time that does not tell how nearly."""
    _, cost, block, parallel, salt, digest = stored.split("$")
    found = hashlib.scrypt(password, salt=bytes.fromhex(salt), n=int(cost), r=int(block), p=int(parallel))
    return hmac.compare_digest(found, bytes.fromhex(digest))


_NOBODYS_PASSWORD = f"scrypt${_COST}${_BLOCK}${_PARALLEL}${'00' * 16}${'00' * 64}"


@dataclass(frozen=True, slots=True)
class ChargerCredentials:
    """What a charger shows at the door: an Authorization header, or a certificate that the edge has verified."""

    authorization: str | None = None
    certificate_subject: str | None = None


@dataclass(frozen=True)
class Connections:
    """Lets chargers in and out. `newcomers_to` names the operator who is shown unknown chargers, None refuses them."""

    chargers: Chargers
    link: ChargerLink
    charger_log: ChargerLog
    newcomers_to: str | None = None
    provisioning: Provisioning | None = None

    def open(
        self,
        connection_id: str,
        charger_id: str,
        credentials: ChargerCredentials,
        offers: Sequence[str],
        opened_at: datetime,
    ) -> str | None:
        """Admit a charger's new socket; returns the subprotocol agreed, None if it offered none. Raises Refused.

        `opened_at` is the gateway's word: it orders sockets, whichever handler is the quicker.
        """
        charger = self._admit(charger_id, credentials, opened_at)
        # A charger that names no protocol speaks what was spoken before there was a choice.
        protocol = choose(offers) if offers else OLDEST
        if protocol is None:
            raise Refused(400, f"no common subprotocol in {list(offers)}")
        is_pending = charger.admission is Admission.PENDING
        connection = Connection(
            connection_id, charger_id, charger.operator_id, protocol, is_pending, charger.traced_until
        )
        replaced = self.chargers.opened(connection, opened_at)
        if replaced and replaced != connection_id:
            self.link.close(replaced)
        if charger.keeps_list:
            self.chargers.list_is_due(charger_id)
        if self.provisioning is not None:
            self.provisioning.connected(charger)
        self._show(charger, online=True, why=protocol, connection_id=connection_id)
        _log.info("charger connected", extra={"charger_id": charger_id, "protocol": protocol})
        return protocol if offers else None

    def close(self, connection_id: str, why: str = "") -> None:
        """A socket has closed; late or repeated news of it never takes a newer socket away."""
        connection = self.chargers.connection(connection_id)
        if connection is None:
            return
        charger = self.chargers.closed(connection)
        if charger is not None:
            self._show(charger, online=False, why=why, connection_id=connection_id)
        _log.info(
            "charger disconnected" if charger is not None else "stale socket closed",
            extra={"charger_id": connection.charger_id},
        )

    def _show(self, charger: Charger, *, online: bool, why: str, connection_id: str) -> None:
        """The old socket's end and the new one's beginning are heard at once, and either may be written last."""
        self.charger_log.line(charger, online=online, why=why, connection_id=connection_id)
        if charger.place is not None:
            self.charger_log.look_again(self.chargers.get(charger.charger_id), wrote=online)

    def _admit(self, charger_id: str, credentials: ChargerCredentials, at: datetime) -> Charger:
        charger = self.chargers.get(charger_id)
        if charger is None and self.newcomers_to is not None:
            charger = self._newcomer(charger_id, self.newcomers_to, credentials, at)
        if charger is None or charger.security_profile < _CERTIFICATE:
            self._check_password(charger_id, charger, credentials.authorization)
        elif not _names(credentials.certificate_subject, charger):
            raise Refused(401, f"charger {charger_id!r} must show its own certificate")
        if charger is None:
            raise Refused(401, f"charger {charger_id!r} is not registered")
        if charger.admission is Admission.BLOCKED:
            raise Refused(403, f"charger {charger_id!r} is blocked")
        return charger

    def _newcomer(self, charger_id: str, operator_id: str, credentials: ChargerCredentials, at: datetime) -> Charger:
        """Keep an unknown charger for its operator to see; the password it came with is its own from now on."""
        if not _CHARGER_ID.fullmatch(charger_id):
            raise Refused(401, f"{charger_id[:60]!r} is no charger's name")
        pending = self.chargers.pending(operator_id, _MOST_PENDING)
        if pending >= _MOST_PENDING:
            raise Refused(401, f"{pending} unknown chargers wait already; {charger_id!r} may come back later")
        profile, password_hash = 0, _NOBODYS_PASSWORD
        if credentials.authorization:
            password = _password(charger_id, credentials.authorization)
            profile, password_hash = 1, hash_password(password, secrets.token_bytes(16))
        charger = Charger(
            charger_id, operator_id, "", password_hash, (), security_profile=profile, admission=Admission.PENDING
        )
        try:
            self.chargers.propose(charger, at + _PENDING_KEPT)
        except Conflict:
            return self.chargers.get(charger_id) or charger
        _log.info("an unknown charger waits to be accepted", extra={"charger_id": charger_id})
        return charger

    def _check_password(self, charger_id: str, charger: Charger | None, authorization: str | None) -> None:
        if charger is not None and charger.security_profile == 0 and not authorization:
            return
        password = _password(charger_id, authorization)
        # A stranger's guess costs as much time as a wrong password, so that ids cannot be probed.
        stored = charger.password_hash if charger else _NOBODYS_PASSWORD
        if _matches(password, stored):
            return
        if charger is not None and charger.next_password_hash and _matches(password, charger.next_password_hash):
            self.chargers.change_password(charger_id, charger.next_password_hash)
            return
        if charger is None or charger.security_profile > 0:
            raise Refused(401, f"wrong password for charger {charger_id!r}")


def _matches(password: bytes, stored: str) -> bool:
    """Whether it is that password, or the bytes that its hexadecimal digits stand for.

    OCPP 1.6 sets AuthorizationKey in hexadecimal; some chargers then log in with the digits, others with the bytes.
    """
    if password_matches(password, stored):
        return True
    is_binary = len(password) == _KEY_BYTES and not password.isalnum()
    return is_binary and password_matches(password.hex().upper().encode(), stored)


def _names(subject: str | None, charger: Charger) -> bool:
    """Whether a certificate is this charger's: its common name is the charger's name, or its serial number."""
    common_name = _COMMON_NAME.search(subject or "")
    return common_name is not None and common_name[1] in (charger.charger_id, charger.serial)


def _password(charger_id: str, authorization: str | None) -> bytes:
    """The password of an HTTP Basic header. An identity may contain colons, so it is cut off by its own length."""
    if not authorization:
        raise Refused(401, f"charger {charger_id!r} sent no credentials")
    scheme, _, encoded = authorization.strip().partition(" ")
    try:
        credentials = base64.b64decode(encoded.strip(), validate=True) if scheme.lower() == "basic" else b""
    except binascii.Error:
        credentials = b""
    prefix = charger_id.encode() + b":"
    if not credentials.startswith(prefix):
        raise Refused(401, f"charger {charger_id!r} sent credentials that are not its own")
    return credentials.removeprefix(prefix)
