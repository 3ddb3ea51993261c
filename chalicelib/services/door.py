"""Only a registered charger with its own password gets a socket, and its newest socket is the one that counts.

OCPP-J 1.6 §6.2 and security whitepaper ed. 3: HTTP Basic, the user name being the charger's identity.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.ports import Charger, ChargerLink, Chargers, Connection
from chalicelib.protocol import choose

# 16 MiB and about 50 ms a guess: dear for a thief with the table, cheap for a charger that comes every two hours.
_COST, _BLOCK, _PARALLEL = 2**14, 8, 1
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


@dataclass(frozen=True)
class Door:
    """Lets chargers in and out."""

    chargers: Chargers
    link: ChargerLink

    def open(
        self,
        connection_id: str,
        charger_id: str,
        authorization: str | None,
        offers: Sequence[str],
        opened_at: datetime,
    ) -> str:
        """Admit a charger's new socket; returns the subprotocol agreed. Raises Refused.

        `opened_at` is the gateway's word: it orders sockets, whichever handler is the quicker.
        """
        charger = self._authenticate(charger_id, authorization)
        protocol = choose(offers)
        if protocol is None:
            raise Refused(400, f"no common subprotocol in {list(offers)}")
        connection = Connection(connection_id, charger_id, charger.operator_id, protocol)
        replaced = self.chargers.opened(connection, opened_at)
        if replaced and replaced != connection_id:
            self.link.close(replaced)
        _log.info("charger connected", extra={"charger_id": charger_id, "protocol": protocol})
        return protocol

    def close(self, connection_id: str) -> None:
        """A socket has closed; late or repeated news of it never takes a newer socket away."""
        connection = self.chargers.connection(connection_id)
        if connection is None:
            return
        was_newest = self.chargers.closed(connection)
        _log.info(
            "charger disconnected" if was_newest else "stale socket closed",
            extra={"charger_id": connection.charger_id},
        )

    def _authenticate(self, charger_id: str, authorization: str | None) -> Charger:
        charger = self.chargers.get(charger_id)
        password = _password(charger_id, authorization)
        # A stranger's guess costs as much time as a wrong password, so that ids cannot be probed.
        matches = password_matches(password, charger.password_hash if charger else _NOBODYS_PASSWORD)
        if charger is None:
            raise Refused(401, f"charger {charger_id!r} is not registered")
        if not matches:
            raise Refused(401, f"wrong password for charger {charger_id!r}")
        return charger


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
