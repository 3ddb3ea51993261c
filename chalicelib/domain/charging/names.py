"""Names of sessions begun by app, made of facts: they say what they are of."""

from __future__ import annotations

import base64
import hashlib

_APP_SESSION_PREFIX = "K"
# OCPP 1.6's idTag holds 20, and some firmware writes past the end of what it keeps of one that long.
_SESSION_ID_LENGTH = 18
# Sessions begun before ids were made shorter.
_FORMER_SESSION_ID_LENGTH = 20


def session_id_for(*facts: str) -> str:
    """A session id that the same facts always give: 18 characters, so that it is itself an idTag any charger holds."""
    digest = hashlib.sha256("\x1f".join(facts).encode()).digest()
    return (_APP_SESSION_PREFIX + base64.b32encode(digest).decode())[:_SESSION_ID_LENGTH]


def looks_like_app_token(token: str) -> bool:
    """Whether `token` has the form of a session id, which is what an app session shows the charger."""
    is_long_enough = len(token) in (_SESSION_ID_LENGTH, _FORMER_SESSION_ID_LENGTH)
    return is_long_enough and token.upper().startswith(_APP_SESSION_PREFIX)
