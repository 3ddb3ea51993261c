"""A maker's door as OAuth has it: a code with PKCE (RFC 7636) for tokens, and each refresh token shown once.

What is wrong with a grant ends the link; what is wrong with the maker, or with us, is tried again.
"""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlencode

from chalicelib.adapters.vehicles.http import MakerAccount, MakerClient, Reply
from chalicelib.domain.data_classes import dataclass, field
from chalicelib.records.vehicles import CarTokens, ConsentScope, LinkAttempt, LinkBroken, MakerUnavailable

# RFC 6749 §5.2, and what Tesla calls the same.
_OVER = ("invalid_grant", "login_required", "invalid_auth_code", "invalid_refresh_token")
_LIFETIME_S = 3600
# What stood between may have lost the answer of a maker that did what it was asked.
_MAYBE_DONE = (500, 502, 504)
_EARLY = timedelta(minutes=1)
_NOT_KNOWN = 401


@dataclass(frozen=True, kw_only=True)
class OAuthDoor:
    """Where a maker's drivers allow something, and where codes and refresh tokens become tokens.

    `by_header`: the client shows itself as `client_secret_basic`, else as `client_secret_post`. `more` is what a maker
    wants besides where drivers go, `with_code` what it wants with a code.
    """

    account: MakerAccount
    client: MakerClient
    authorize_url: str
    token_url: str
    by_header: bool = True
    more: Mapping[str, str]
    with_code: Mapping[str, str]

    def consent_url(self, attempt: LinkAttempt, scopes: Sequence[ConsentScope]) -> str:
        """Where the driver goes (RFC 6749 §4.1.1)."""
        return f"{self.authorize_url}?" + urlencode(
            {
                "response_type": "code",
                "client_id": self.account.key("client_id"),
                "redirect_uri": attempt.redirect_uri,
                "scope": " ".join(it.name for it in scopes),
                "state": attempt.state,
                "code_challenge": challenge(attempt.verifier),
                "code_challenge_method": "S256",
                **self.more,
            }
        )

    def exchange(self, attempt: LinkAttempt, code: str, at: datetime) -> CarTokens:
        """The tokens that a code is good for, with the verifier that only we know."""
        return self._tokens(
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": attempt.redirect_uri,
                "code_verifier": attempt.verifier,
                **self.with_code,
            },
            at,
        )

    def refresh(self, tokens: CarTokens, at: datetime) -> CarTokens:
        """The tokens that follow; a maker that gives no new refresh token means the old one stays good."""
        told = self._tokens({"grant_type": "refresh_token", "refresh_token": tokens.refresh}, at)
        refresh = told.refresh or tokens.refresh
        return CarTokens(access=told.access, refresh=refresh, expires_at=told.expires_at)

    def _tokens(self, form: Mapping[str, str], at: datetime) -> CarTokens:
        reply = self.client.post_form(self.token_url, self._headers, {**form, **self._credentials})
        if not reply.is_good:
            raise _refused(reply)
        access = reply.body.get("access_token")
        if not isinstance(access, str) or not access:
            raise MakerUnavailable("no access token came", is_unsure=True)
        lifetime_s = reply.body.get("expires_in")
        seconds = lifetime_s if isinstance(lifetime_s, int) and lifetime_s > 0 else _LIFETIME_S
        refresh = reply.body.get("refresh_token")
        return CarTokens(
            access=access,
            refresh=refresh if isinstance(refresh, str) else "",
            expires_at=at + timedelta(seconds=seconds),
        )

    @property
    def _headers(self) -> Mapping[str, str]:
        return {"Authorization": self.account.basic} if self.by_header else {}

    @property
    def _credentials(self) -> Mapping[str, str]:
        if self.by_header:
            return {}
        return {name: self.account.key(name) for name in ("client_id", "client_secret")}


@dataclass(frozen=True, kw_only=True)
class ApplicationToken:
    """The application's own token (RFC 6749 §4.4), good for all its drivers; one of a process's threads asks for it."""

    account: MakerAccount
    client: MakerClient
    token_url: str
    by_header: bool
    _held: list[CarTokens] = field(default_factory=list, repr=False)
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def asked(self, ask: Callable[[Mapping[str, str]], Reply]) -> Reply:
        """A call, and once more with a new token where ours was refused before its time."""
        token = self._token()
        reply = ask({"Authorization": f"Bearer {token}"})
        if reply.status != _NOT_KNOWN:
            return reply
        again = ask({"Authorization": f"Bearer {self._token(refused=token)}"})
        if again.status == _NOT_KNOWN:
            # What is wrong with us is no driver's link.
            raise again.unavailable()
        return again

    def _token(self, refused: str = "") -> str:
        at = self.client.clock()
        with self._one_at_a_time:
            if not self._held or self._held[0].expires_at <= at + _EARLY or self._held[0].access == refused:
                form = {"grant_type": "client_credentials"}
                if not self.by_header:
                    form |= {name: self.account.key(name) for name in ("client_id", "client_secret")}
                headers = {"Authorization": self.account.basic} if self.by_header else {}
                reply = self.client.post_form(self.token_url, headers, form)
                if not reply.is_good or not reply.body.get("access_token"):
                    raise reply.unavailable()
                until = at + timedelta(seconds=int(reply.body.get("expires_in", _LIFETIME_S)))
                self._held[:] = [CarTokens(access=str(reply.body["access_token"]), expires_at=until)]
            return self._held[0].access


def challenge(verifier: str) -> str:
    """A verifier as it may be shown (RFC 7636 §4.2, S256)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _refused(reply: Reply) -> Exception:
    if reply.status in (400, 401, 403) and reply.body.get("error") in _OVER:
        return LinkBroken(str(reply.body["error"]))
    return MakerUnavailable(f"HTTP {reply.status}", reply.retry_after, is_unsure=reply.status in _MAYBE_DONE)
