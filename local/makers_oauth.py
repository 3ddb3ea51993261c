"""A maker's door on this machine, as strict as OAuth lets it be: PKCE, codes good once, refresh tokens good once.

A refresh token that comes twice ends all that was given by its consent, as makers do. Whoever asks is sent
back at once, as somebody who allowed it.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import unquote, urlencode

CLIENT_ID, CLIENT_SECRET, WEBHOOK_SECRET = "local-client", "local-secret", "local-webhook-secret"
REDIRECT_URI = "http://127.0.0.1/cars"
ACCESS_LASTS = timedelta(hours=1)
Told = tuple[int, dict[str, object]]


@dataclass
class Consent:
    """What somebody allowed: whose cars, and which tokens are good for that. `used` refresh tokens are never again."""

    account: str
    scopes: tuple[str, ...]
    access: dict[str, datetime] = field(default_factory=dict)
    refresh: str = ""
    used: set[str] = field(default_factory=set)
    is_over: bool = False


class OAuthServer:
    """One maker's door. `account` is who logs in next, `redirect_uri` where they go back to.

    `reused` counts refresh tokens that came twice.
    """

    def __init__(self, clock: Callable[[], datetime], *, by_header: bool) -> None:
        self._clock, self._by_header = clock, by_header
        self.account = "alice"
        self.denies = False
        # Scopes that the driver does not allow, of those that are asked for.
        self.leaves_out: set[str] = set()
        self.redirect_uri = REDIRECT_URI
        self.consents: list[Consent] = []
        self.reused = 0
        self.refreshed = 0
        # What a request lacked, for a test that asks for none.
        self.invalid: list[str] = []
        self._codes: dict[str, tuple[Mapping[str, str], Consent]] = {}
        self._lock = threading.Lock()

    def authorize(self, query: Mapping[str, str]) -> tuple[int, str]:
        """Where the driver goes back to; 400 for a request that RFC 6749 and 7636 do not have."""
        needs = {
            "response_type": query.get("response_type") == "code",
            "client_id": query.get("client_id") == CLIENT_ID,
            "redirect_uri": query.get("redirect_uri") == self.redirect_uri,
            "scope": bool(query.get("scope")),
            "state": len(query.get("state", "")) >= 32,
            "code_challenge": len(query.get("code_challenge", "")) == 43,
            "code_challenge_method": query.get("code_challenge_method") == "S256",
        }
        if lacking := [name for name, is_there in needs.items() if not is_there]:
            self.invalid += lacking
            return 400, f"wrong: {', '.join(lacking)}"
        if self.denies:
            return 302, f"{self.redirect_uri}?" + urlencode({"error": "access_denied", "state": query["state"]})
        code = secrets.token_urlsafe(16)
        allowed = tuple(it for it in query["scope"].split() if it not in self.leaves_out)
        self._codes[code] = (query, Consent(self.account, allowed))
        return 302, f"{self.redirect_uri}?" + urlencode({"code": code, "state": query["state"]})

    def token(self, headers: Mapping[str, str], form: Mapping[str, str]) -> Told:
        """Tokens for a code or a refresh token (RFC 6749 §4.1.3, §6), and for the application itself (§4.4)."""
        with self._lock:
            if headers.get("content-type", "") != "application/x-www-form-urlencoded":
                return self._wrong("invalid_request", 400)
            if not self._is_client(headers, form):
                return self._wrong("invalid_client", 401)
            match form.get("grant_type"):
                case "authorization_code":
                    return self._of_code(form)
                case "refresh_token":
                    return self._of_refresh(form)
                case "client_credentials":
                    consent = Consent("", ())
                    self.consents.append(consent)
                    return self._given(consent, with_refresh=False)
            return self._wrong("unsupported_grant_type", 400)

    def whose(self, headers: Mapping[str, str]) -> Consent | None:
        """The consent that a request's token was given by; None for a token that is none, or over."""
        token = headers.get("authorization", "").removeprefix("Bearer ")
        for it in self.consents:
            if not it.is_over and token in it.access and self._clock() < it.access[token]:
                return it
        return None

    def revoke(self, account: str) -> None:
        """The driver takes back what they allowed."""
        for it in self.consents:
            it.is_over = it.is_over or it.account == account

    def _of_code(self, form: Mapping[str, str]) -> Told:
        asked, consent = self._codes.pop(form.get("code", ""), ({}, None))
        if consent is None or form.get("redirect_uri") != asked["redirect_uri"]:
            return self._wrong("invalid_grant", 400)
        shown = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(shown).rstrip(b"=").decode() != asked["code_challenge"]:
            return self._wrong("invalid_grant", 400)
        self.consents.append(consent)
        return self._given(consent)

    def _of_refresh(self, form: Mapping[str, str]) -> Told:
        token = form.get("refresh_token", "")
        for it in self.consents:
            if token in it.used:
                self.reused += 1
                it.is_over = True
            elif token and token == it.refresh and not it.is_over:
                it.used.add(token)
                self.refreshed += 1
                return self._given(it)
        return 400, {"error": "invalid_grant"}

    def _given(self, consent: Consent, *, with_refresh: bool = True) -> Told:
        access = secrets.token_urlsafe(16)
        consent.access[access] = self._clock() + ACCESS_LASTS
        told: dict[str, object] = {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": round(ACCESS_LASTS.total_seconds()),
        }
        if with_refresh:
            consent.refresh = secrets.token_urlsafe(16)
            told["refresh_token"] = consent.refresh
        return 200, told

    def _is_client(self, headers: Mapping[str, str], form: Mapping[str, str]) -> bool:
        if not self._by_header:
            return (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
        shown = headers.get("authorization", "")
        try:
            pair = base64.b64decode(shown.removeprefix("Basic ")).decode()
        except ValueError:
            return False
        return shown.startswith("Basic ") and unquote(pair) == f"{CLIENT_ID}:{CLIENT_SECRET}"

    def _wrong(self, error: str, status: int) -> Told:
        self.invalid.append(error)
        return status, {"error": error}
