"""Verifies OIDC access tokens, and issues and verifies tickets.

A token is worth what its signature, issuer, audience and time say; anything else about it is refused alike. Access
tokens are OIDC (RS256, keys from the issuer's JWKS). Tickets are our own: they open one session's live view, or its
receipt and nothing else, where a browser can send no header.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import jwt

from chalicelib.domain.data_classes import dataclass
from chalicelib.records.access import Ticket, TicketScope
from chalicelib.records.drivers import NotAllowed

# Issuers announce new keys long before they use them; a key id not seen before is looked up at once all the same.
_KEYS_KEPT_S = 3600
_KEYS_TIMEOUT_S = 3
_GUESTS_RECEIPT_GOOD_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a verified access token says: who holds it, in which groups, and until when.

    `issued_s` and `logged_in_s` (Unix time) are when it was given out, and when a password was given for it;
    `login_id` names that login.
    """

    subject: str
    groups: tuple[str, ...]
    expires_at: datetime
    issued_s: int
    logged_in_s: int
    login_id: str = ""


class AccessTokens:
    """Verifies access tokens that `issuer` gave to `client_id`."""

    def __init__(self, issuer: str, jwks_url: str, client_id: str) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._keys = jwt.PyJWKClient(jwks_url, lifespan=_KEYS_KEPT_S, timeout=_KEYS_TIMEOUT_S)

    def verify(self, token: str) -> Claims:
        """At most one HTTP call, while the keys are not known.

        Raises NotAllowed, and PyJWKClientConnectionError when the keys cannot be had: then nobody can tell.
        """
        try:
            claims = jwt.decode(
                token,
                self._keys.get_signing_key_from_jwt(token),
                algorithms=["RS256"],
                issuer=self._issuer,
                options={"require": ["exp", "iat", "iss", "sub"], "verify_aud": False},
            )
        except jwt.PyJWKClientConnectionError:
            raise
        except jwt.PyJWTError:
            raise NotAllowed("log in again") from None
        # Cognito's access tokens name their client in a claim of its own and have no audience.
        is_ours = claims.get("token_use") == "access" and claims.get("client_id") == self._client_id
        if not is_ours or not claims["sub"]:
            raise NotAllowed("log in again")
        groups = claims.get("cognito:groups")
        return Claims(
            subject=claims["sub"],
            # A claim of any other form is nobody's group.
            groups=tuple(it for it in groups if isinstance(it, str)) if isinstance(groups, list) else (),
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
            issued_s=int(claims["iat"]),
            logged_in_s=int(claims.get("auth_time", 0)),
            # Cognito gives it to all tokens of one login, where they can be revoked.
            login_id=str(claims.get("origin_jti", "")),
        )


class Tickets:
    """Issues and verifies tickets: short-lived leave to see one thing of one session.

    `secret` has at least 32 bytes.
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def issue(
        self,
        session_id: str,
        driver_id: str,
        expires_at: datetime,
        leave: TicketScope = TicketScope.LIVE,
        *,
        issued_s: int = 0,
    ) -> str:
        """A ticket, safe to stand in a URL; `issued_s` is of the access token by which it was asked for."""
        claims = {"aud": leave.value, "session_id": session_id, "sub": driver_id, "exp": expires_at}
        return jwt.encode(claims | ({"iat": issued_s} if issued_s else {}), self._secret, "HS256")

    def verify(self, ticket: str, session_id: str, now: datetime, leave: TicketScope = TicketScope.LIVE) -> str:
        """The driver it was issued to. Raises NotAllowed."""
        found = self.read(ticket, now, leave)
        if found.session_id != session_id:
            raise NotAllowed("this ticket is not valid")
        return found.driver_id

    def read(self, ticket: str, now: datetime, leave: TicketScope = TicketScope.LIVE) -> Ticket:
        """What it says. Raises NotAllowed for one of another scope, or that is over."""
        try:
            claims = jwt.decode(
                ticket,
                self._secret,
                algorithms=["HS256"],
                audience=leave.value,
                # By our own clock, which is not this library's; when it was asked for is nothing to hold it to here.
                options={"require": ["exp", "sub", "session_id"], "verify_exp": False, "verify_iat": False},
            )
        except jwt.PyJWTError:
            raise NotAllowed("this ticket is not valid") from None
        if now.timestamp() >= claims["exp"]:
            raise NotAllowed("this ticket is not valid")
        return Ticket(
            scope=leave,
            session_id=str(claims["session_id"]),
            driver_id=str(claims["sub"]),
            issued_s=int(claims.get("iat", 0)),
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
        )

    def guests_receipt(self, session_id: str, guest_id: str, since: datetime) -> str:
        """Where whoever has no account sees a receipt, for 30 days."""
        ticket = self.issue(session_id, guest_id, since + _GUESTS_RECEIPT_GOOD_FOR, TicketScope.RECEIPT)
        return f"/v1/receipts/{session_id}?ticket={ticket}&format=html"
