"""A person at the public API: the canary's driver, who is the operator of its test site as well."""

from __future__ import annotations

import json
from typing import Any

import urllib3

from chalicelib.canary.charger import CONNECTOR, Silent

OPERATOR = "canary"
CHARGER = "KERB-CANARY"
_NAMED = "kerb-canary"
_NOT_FOUND = 404
# A site without a place is in no search and on no map. Nothing costs anything, so nobody needs a card.
_TARIFF = {"name": "Canary", "currency": "EUR", "price_per_kwh": "0"}
_SITE = {"name": "Canary", "address": "nowhere", "time_zone": "UTC", "tariff_id": _NAMED}
_CHARGER = {"site_id": _NAMED, "connectors": [str(CONNECTOR)]}
_PROFILE = {"legal_name": "Canary", "address": "nowhere", "country": "DE", "tax_id": "none"}


class NotDone(Exception):
    """The API answered with something else than success."""

    def __init__(self, what: str, status: int, said: str) -> None:
        super().__init__(f"{what}: {status} {said}")
        self.status = status


class SyntheticPerson:
    """Logged in from `log_in` on."""

    def __init__(self, url: str, within_s: float) -> None:
        """`url` is the API's, without a slash at its end."""
        self._url = url
        self._headers: dict[str, str] = {}
        self._http = urllib3.PoolManager(timeout=within_s, retries=False)

    def log_in(self, email: str, password: str) -> None:
        """Raises NotDone, and urllib3's HTTPError where nobody answers."""
        told = self.call("POST", "/v1/login", {"email": email, "password": password})
        self._headers = {"Authorization": f"Bearer {told['access_token']}"}

    def has_charger(self) -> bool:
        """Whether the test site is set up."""
        try:
            self.call("GET", f"/v1/operator/chargers/{CHARGER}")
        except NotDone as refused:
            if refused.status != _NOT_FOUND:
                raise
            return False
        return True

    def set_up(self, charger_password: str) -> None:
        """Make site, price and charger, and have nobody told of its sessions; safe to repeat."""
        muted = {
            channel: dict.fromkeys(kinds, False)
            for channel, kinds in self.call("GET", "/v1/me/notices/preferences").items()
        }
        self.call("PUT", "/v1/me/notices/preferences", muted)
        self.call("PUT", "/v1/operator/profile", _PROFILE)
        self.call("PUT", f"/v1/operator/tariffs/{_NAMED}", _TARIFF)
        self.call("PUT", f"/v1/operator/sites/{_NAMED}", _SITE)
        self.call("PUT", f"/v1/operator/chargers/{CHARGER}", _CHARGER | {"password": charger_password})

    def begin(self) -> str:
        """Begin a session at the canary's charger; returns its id."""
        begun = self.call("POST", "/v1/sessions", {"charger_id": CHARGER, "connector": str(CONNECTOR)})
        return str(begun["session_id"])

    def session(self, session_id: str) -> dict[str, Any]:
        """The session as it is now."""
        return self.call("GET", f"/v1/sessions/{session_id}")

    def end(self, session_id: str) -> None:
        """Ask for the end of the session."""
        self.call("DELETE", f"/v1/sessions/{session_id}")

    def receipt(self, session_id: str) -> dict[str, Any]:
        """The receipt. Raises Silent if something was to be paid."""
        found = self.call("GET", f"/v1/sessions/{session_id}/receipt")
        if found["total_minor"]:
            raise Silent(f"the receipt asks for {found['total_minor']}")
        return found

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """One request. Raises NotDone for anything but success."""
        told = {"Content-Type": "application/json"} if body is not None else {}
        response = self._http.request(
            method,
            self._url + path,
            body=None if body is None else json.dumps(body).encode(),
            headers=self._headers | told,
        )
        if not 200 <= response.status < 300:
            raise NotDone(f"{method} {path}", response.status, response.data[:300].decode(errors="replace"))
        return dict(json.loads(response.data)) if response.data else {}
