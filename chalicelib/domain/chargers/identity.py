"""A charger's identity as it tells it: in the address it connects to, or as the user name of its credentials.

OCPP-J 1.6 §3.1.1 and 2.0.1 part 4 §3.1.1 put it last in the address, percent-encoded; OCPP 1.6's security whitepaper
makes it the user name too. In the field it comes with slashes too many, twice, in the query, or as the user name only.
What is read here are claims: the names somebody may mean, the standard's own first. Only a proof makes one true.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from itertools import islice
from urllib.parse import unquote

CHARGER_ID = re.compile(r"[A-Za-z0-9*\-_=:+|@.]{1,48}")
# RFC 4514: a comma that belongs to a value has a backslash before it.
_COMMON_NAME = re.compile(r"(?:^|(?<!\\),)\s*CN=([^,+]+)")
# Whoever can open sockets can claim names without end, and each is looked up.
MOST_CLAIMS = 3
_DOOR = re.compile(r"/*ocpp(?:/.*)?", re.IGNORECASE | re.DOTALL)


def is_chargers_door(target: str) -> bool:
    """Whether a request's target (path and query) is where chargers connect: `/ocpp`, or nowhere, in any spelling."""
    path = target.partition("?")[0]
    return not path.strip("/") or _DOOR.fullmatch(path) is not None


def claimed_in(target: str) -> tuple[str, ...]:
    """The names in a request's target, the likeliest first, none twice: the path's from its end, then the query's.

    `/ocpp/CP-7`, `//ocpp/CP-7/`, `/ocpp/CP-7/CP-7`, `/ocpp?station=CP-7` and `CP-7` all name CP-7.
    """
    path, _, query = target.partition("?")
    parts = [part for part in _plain(path).split("/") if part.strip()]
    if parts and parts[0].lower() == "ocpp":
        del parts[0]
    pairs = [pair.partition("=") for pair in re.split("[&;]", query)]
    # A parameter without a value may be the name itself.
    values = [_plain(value or name).strip("/") for name, _, value in pairs]
    return _names([*reversed(parts), *values])


def claimed_by_user(credentials: bytes) -> tuple[str, ...]:
    """The names that may stand before the colon of HTTP Basic credentials: an identity may hold colons itself."""
    text = credentials.decode("utf-8", "replace")
    colons = [at for at, sign in enumerate(text) if sign == ":"]
    return _names(text[:at] for at in colons[:MOST_CLAIMS])


def is_user(credentials: bytes, charger_id: str) -> bool:
    """Whether credentials name the charger of that id, in any case, or nobody."""
    named = credentials.decode("utf-8", "replace").casefold()
    return named.startswith((folded(charger_id) + ":", ":"))


def folded(name: str) -> str:
    """What names that differ only in case have in common."""
    return name.casefold()


def basic_of(authorization: str | None) -> bytes | None:
    """User name, colon and password of an HTTP Basic header; None of anything else."""
    scheme, _, encoded = (authorization or "").strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        padded = encoded.strip().rstrip("=")
        padded += "=" * (-len(padded) % 4)  # some leave the padding out
        credentials = base64.b64decode(padded, validate=True)
    except binascii.Error:
        return None
    return credentials if b":" in credentials else None


def common_name_of(subject: str) -> str | None:
    """The common name (CN) in the subject of a certificate (RFC 4514); None where it has none."""
    found = _COMMON_NAME.search(subject)
    return found[1] if found is not None else None


def password_of(credentials: bytes, charger_id: str) -> bytes:
    """The password of a charger's HTTP Basic credentials, whatever user it calls itself.

    An identity may hold colons, so it is cut off by its own length; any other user name ends at the first.
    """
    prefix = charger_id.encode() + b":"
    if credentials.lower().startswith(prefix.lower()):
        return credentials[len(prefix) :]
    return credentials.partition(b":")[2]


def _plain(text: str) -> str:
    """Without percent signs, which no name has; some encode what is encoded already."""
    return unquote(unquote(text))


def _names(texts: Iterable[str]) -> tuple[str, ...]:
    names = dict.fromkeys(text.strip() for text in texts)
    return tuple(islice((name for name in names if CHARGER_ID.fullmatch(name)), MOST_CLAIMS))


def told_identity(vendor: str | None, model: str | None, serial: str | None, firmware: str | None) -> str:
    """What a charger says it is when it boots, as one text; empty where it never said."""
    return "|".join(it or "" for it in (vendor, model, serial, firmware)) if vendor is not None else ""
