"""An authenticator's codes (RFC 6238): six figures from a secret, another one each 30 seconds."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time

STEP_S = 30
_FIGURES = 1_000_000
_SECRET_BYTES = 20


def new_secret() -> str:
    """What codes are made from, in base 32."""
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def code_at(secret: str, at_s: float) -> str:
    """The code of that second (Unix time)."""
    digest = hmac.digest(base64.b32decode(secret), int(at_s // STEP_S).to_bytes(8), hashlib.sha1)
    start = digest[-1] & 0xF
    return f"{(int.from_bytes(digest[start : start + 4]) & 0x7FFFFFFF) % _FIGURES:06}"


def code_now(secret: str) -> str:
    """What the authenticator shows."""
    return code_at(secret, time.time())


def is_code(secret: str, code: str) -> bool:
    """Whether it is shown now, or was or will be in the next half-minute: clocks differ."""
    now = time.time()
    return any(hmac.compare_digest(code_at(secret, now + shift * STEP_S), code) for shift in (-1, 0, 1))
