"""The caller of a request: what a verified access token says of them, and nothing the caller says beside it.

API Gateway asks `jwt` once and remembers; a route without it (the live view) asks `caller_of` itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from chalice import AuthResponse, Blueprint
from chalice.app import AuthRequest

from chalicelib.records.drivers import NotAllowed
from chalicelib.wiring import network

authorizers = Blueprint(__name__)

_OPERATOR_GROUP = "operator:"
_OPERATOR_ID = re.compile(r"[^\s/\x00-\x1f]{1,120}")
# Groups reach the view as one text with commas between them, and nobody may be made an operator by that.
_SEPARATOR = ","


@dataclass(frozen=True, slots=True)
class Caller:
    """A person who calls; `operator_id` if they may run that operator's chargers."""

    driver_id: str
    operator_id: str | None = None


@authorizers.authorizer(name="jwt")
def jwt(request: AuthRequest) -> AuthResponse:
    """Admit whoever shows a valid token. Any other token is answered 401, which API Gateway does on this very text."""
    try:
        claims = network().access_tokens.verify(_bearer(request.token))
    except NotAllowed:
        raise Exception("Unauthorized") from None
    groups = _SEPARATOR.join(group for group in claims.groups if _SEPARATOR not in group)
    return AuthResponse(routes=["*"], principal_id=claims.subject, context={"groups": groups})


def caller_from(authorizer: Mapping[str, str]) -> Caller:
    """The caller as `jwt` passed it on through API Gateway."""
    return _caller(authorizer["principalId"], authorizer.get("groups", "").split(_SEPARATOR))


def caller_of(authorization: str) -> Caller:
    """The caller behind an Authorization header. Raises NotAllowed."""
    claims = network().access_tokens.verify(_bearer(authorization))
    return _caller(claims.subject, claims.groups)


def _caller(subject: str, groups: list[str] | tuple[str, ...]) -> Caller:
    """A group that names no operator gives no rights: what is nobody's would be theirs."""
    named = [group.removeprefix(_OPERATOR_GROUP) for group in groups if group.startswith(_OPERATOR_GROUP)]
    operators = [it for it in named if _OPERATOR_ID.fullmatch(it)]
    return Caller(subject, operators[0] if operators else None)


def _bearer(authorization: str) -> str:
    scheme, _, token = authorization.strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else scheme
