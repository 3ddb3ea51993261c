"""A person at the API, with nothing but HTTP: what the demo and the scenarios drive Kerb with."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import requests

from local import totp

_TIMEOUT_S = 60
# What surely comes is waited for as long as a busy machine takes.
_PATIENCE_S = 300.0


class ApiError(Exception):
    """The API refused; `problem` is its problem+json body."""

    def __init__(self, response: requests.Response) -> None:
        self.status = response.status_code
        try:
            self.problem: dict[str, Any] = response.json()
        except ValueError:
            self.problem = {"detail": response.text}
        super().__init__(f"{response.request.method} {response.request.url}: {self.status} {self.problem}")


class Person:
    """Somebody with an account; `token` once logged in."""

    def __init__(self, http_url: str, email: str, password: str) -> None:
        self.http_url = http_url
        self.email = email
        self.password = password
        self.token = ""
        # What the person's authenticator makes codes from, once they have one.
        self.authenticator = ""
        self._session = requests.Session()

    def register(self) -> dict[str, Any]:
        """Open the account."""
        return self.call("POST", "/v1/drivers", {"email": self.email, "password": self.password})

    def log_in(self) -> None:
        """Get a token; call again when rights have changed."""
        code = {"code": totp.code_now(self.authenticator)} if self.authenticator else {}
        tokens = self.call("POST", "/v1/login", {"email": self.email, "password": self.password, **code})
        self.token = tokens["access_token"]

    def set_up_second_factor(self) -> None:
        """Let an authenticator make codes, and show the first one."""
        self.authenticator = self.call("POST", "/v1/me/second-factor", {})["secret"]
        self.call("POST", "/v1/me/second-factor/confirm", {"code": totp.code_now(self.authenticator)})

    def begin(self, charger_id: str, connector: str = "1", key: str | None = None) -> dict[str, Any]:
        """Begin a session."""
        headers = {"Idempotency-Key": key} if key else {}
        return self.call("POST", "/v1/sessions", {"charger_id": charger_id, "connector": connector}, headers)

    def session(self, session_id: str) -> dict[str, Any]:
        """Look at a session."""
        return self.call("GET", f"/v1/sessions/{session_id}")

    def end(self, session_id: str) -> dict[str, Any]:
        """Ask for its end."""
        return self.call("DELETE", f"/v1/sessions/{session_id}")

    def receipt(self, session_id: str) -> dict[str, Any]:
        """Its receipt."""
        return self.call("GET", f"/v1/sessions/{session_id}/receipt")

    def until(
        self, session_id: str, reached: Callable[[dict[str, Any]], bool], within_s: float = _PATIENCE_S
    ) -> dict[str, Any]:
        """Watch a session until it is as wanted; TimeoutError tells how it stood instead."""
        deadline = time.monotonic() + within_s
        session = self.session(session_id)
        while not reached(session):
            if time.monotonic() > deadline:
                raise TimeoutError(f"session stood still at {session}")
            time.sleep(0.05)
            session = self.session(session_id)
        return session

    def call(
        self, method: str, path: str, body: dict[str, Any] | None = None, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """One request; raises ApiError for anything but success."""
        authorization = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        response = self._session.request(
            method,
            self.http_url + path,
            json=body,
            headers={**authorization, **(headers or {})},
            timeout=_TIMEOUT_S,
        )
        if not response.ok:
            raise ApiError(response)
        return dict(response.json()) if response.content else {}
