"""The API without HTTP: what API Gateway does with a request, its memory of tokens included, on tables in this process.

A person's token is their name; who they are to which operator stands in the tables, as it would.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import app as switchboard
from chalicelib.adapters.access.tokens import Claims
from chalicelib.handlers.http import caller
from chalicelib.records.drivers import NotAllowed
from local.context import LambdaContext

ADDRESS = "192.0.2.7"


class NamesAsTokens:
    """Verifies access tokens that are people's names, and nothing of a key."""

    def verify(self, token: str) -> Claims:
        name, _, groups = token.partition("@")
        if not name.startswith("person-"):
            raise NotAllowed("log in again")
        named = tuple(f"operator:{it}" for it in groups.split("+") if it)
        return Claims(
            subject=name,
            groups=named,
            expires_at=datetime(2100, 1, 1, tzinfo=UTC),
            issued_s=1,
            logged_in_s=1,
            login_id=f"login-{name}",
        )


@dataclass(frozen=True)
class Answered:
    """An answer: its status, its body as JSON (None: no body), and all of it as text."""

    status: int
    body: Any
    text: str

    @property
    def code(self) -> str:
        """What a problem is called; empty for an answer that is none."""
        kind = self.body.get("type", "") if isinstance(self.body, dict) else ""
        return str(kind).removeprefix("urn:kerb:problem:")


@dataclass
class Door:
    """Asks the app as API Gateway does; what the authorizer said of a token it asks but once."""

    remembered: dict[str, Any] = field(default_factory=dict)
    request_id: str = "request-1"
    _context: Any = field(default_factory=lambda: LambdaContext("api_handler", 900))

    def ask(
        self,
        token: str | None,
        method: str,
        path: str,
        parameters: Mapping[str, str] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Answered:
        """One request to the route of that path, with these values for its parameters."""
        said = {"content-type": "application/json", **(headers or {})}
        context: dict[str, Any] = {
            "resourcePath": path,
            "httpMethod": method,
            "requestId": self.request_id,
            "identity": {"sourceIp": ADDRESS},
        }
        if token is not None:
            said["authorization"] = f"Bearer {token}"
            granted = self._authorized(f"Bearer {token}")
            if granted is None:
                return Answered(401, None, "")
            context["authorizer"] = granted
        answer = switchboard.app(
            {
                "requestContext": context,
                "pathParameters": {name: quote(value, safe="") for name, value in (parameters or {}).items()},
                "multiValueQueryStringParameters": {name: [value] for name, value in (query or {}).items()} or None,
                "headers": said,
                "body": json.dumps(body) if body is not None else None,
                "stageVariables": None,
                "isBase64Encoded": False,
            },
            self._context,
        )
        text = answer["body"]
        is_json = "json" in str({**answer.get("headers", {}), **answer.get("multiValueHeaders", {})})
        return Answered(answer["statusCode"], json.loads(text) if text and is_json else None, text)

    def _authorized(self, authorization: str) -> Any:
        if authorization not in self.remembered:
            try:
                told = caller.jwt(
                    {
                        "type": "TOKEN",
                        "methodArn": "arn:aws:execute-api:::a/b/GET/c",
                        "authorizationToken": authorization,
                    },
                    self._context,
                )
            except Exception as error:
                if str(error) != "Unauthorized":
                    raise
                told = None
            self.remembered[authorization] = told and {"principalId": told["principalId"], **told["context"]}
        return self.remembered[authorization]
