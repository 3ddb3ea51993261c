"""Chargers' passwords (OCPP-J 1.6 §6.2, security whitepaper ed. 3): kept as slow hashes, known again by a quick one.

A password is proven once by scrypt, which is dear for a thief with the table. From then on an HMAC stands beside that
hash, by a key that is in no table: whoever has the table alone gains nothing by it, and who comes every two
hours is known in microseconds. It is made of the slow hash too, so that another password never matches an old one.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

from chalicelib.domain.data_classes import dataclass
from chalicelib.records.chargers import Charger

# 16 MiB and about 50 ms of a whole processor a guess; 206 ms with what a function of 512 MB has of one.
_COST, _BLOCK, _PARALLEL = 2**14, 8, 1
_KEY_BYTES = 20
# A key that can be guessed would undo what the slow hash is for.
_SHORTEST_SECRET = 32


def hash_password(password: bytes, salt: bytes) -> str:
    """A slow salted hash (scrypt) with its parameters, so that they can be raised later."""
    digest = hashlib.scrypt(password, salt=salt, n=_COST, r=_BLOCK, p=_PARALLEL)
    return f"scrypt${_COST}${_BLOCK}${_PARALLEL}${salt.hex()}${digest.hex()}"


def password_matches(password: bytes, stored: str) -> bool:
    """Whether `password` is the one behind `stored`, in time that does not tell how nearly."""
    _, cost, block, parallel, salt, digest = stored.split("$")
    found = hashlib.scrypt(password, salt=bytes.fromhex(salt), n=int(cost), r=int(block), p=int(parallel))
    return hmac.compare_digest(found, bytes.fromhex(digest))


NOBODYS_PASSWORD = f"scrypt${_COST}${_BLOCK}${_PARALLEL}${'00' * 16}${'00' * 64}"


@dataclass(frozen=True)
class PasswordMemory:
    """Knows a password again that was proven before.

    `secret` tells this network's own, when it is first needed: not all who close sockets are told it. One too short
    knows nothing.
    """

    secret: Callable[[], str]

    def note(self, charger: Charger, password: bytes) -> str | None:
        """What to keep beside the slow hash of a password that has just been proven; None where nothing is kept."""
        secret = self.secret()
        if len(secret) < _SHORTEST_SECRET:
            return None
        said = b"\0".join((charger.charger_id.encode(), charger.password_hash.encode(), password))
        return hmac.new(secret.encode(), said, hashlib.sha256).hexdigest()

    def knows(self, charger: Charger, password: bytes) -> bool:
        """Whether it is the password that was proven before, in time that does not tell how nearly."""
        noted = self.note(charger, password)
        return noted is not None and hmac.compare_digest(noted, charger.password_note or "")


def matches(password: bytes, stored: str, may_be_key: bool) -> bool:
    """Whether it is that password, or the bytes that its hexadecimal digits stand for. `may_be_key`: look at both.

    OCPP 1.6 sets AuthorizationKey in hexadecimal; some chargers then log in with the digits, others with the bytes.
    """
    if password_matches(password, stored):
        return True
    return may_be_key and password_matches(password.hex().upper().encode(), stored) and _is_key(password)


def may_hold_key(basic: bytes) -> bool:
    """Whether a password behind one of its colons is a key in bytes: that depends on what was sent and nothing else."""
    return any(_is_key(basic[at + 1 :]) for at, sign in enumerate(basic) if sign == ord(":"))


def guess_in_vain(basic: bytes | None) -> None:
    """Take as long as a wrong password takes: the present one and the offered one are looked at."""
    if basic is None:
        return
    for _ in range(2):
        matches(b"", NOBODYS_PASSWORD, may_hold_key(basic))


def _is_key(password: bytes) -> bool:
    return len(password) == _KEY_BYTES and not password.isalnum()
