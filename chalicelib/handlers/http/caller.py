"""The caller of a request: what a verified access token says of them, and nothing the caller says beside it.

API Gateway asks `jwt` once and remembers; a route without it (the live view) asks `caller_of` itself. What API Gateway
remembers of a token cannot say that its driver has logged out since, or has left: `admitted` asks that of every
request, for one read of the driver's row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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
    """A person who calls; `operator_id` if they may run that operator's chargers.

    `issued_s` and `logged_in_s` (Unix time) say when the token was given out, and when a password was given for it.
    """

    driver_id: str
    operator_id: str | None = None
    issued_s: int = 0
    logged_in_s: int = 0


@authorizers.authorizer(name="jwt")
def jwt(request: AuthRequest) -> AuthResponse:
    """Admit whoever shows a valid token. Any other token is answered 401, which API Gateway does on this very text."""
    try:
        claims = network().access_tokens.verify(access_token(request.token))
    except NotAllowed:
        raise Exception("Unauthorized") from None
    # Whatever goes this way arrives as text.
    told = {
        "groups": _SEPARATOR.join(group for group in claims.groups if _SEPARATOR not in group),
        "issued_s": str(claims.issued_s),
        "logged_in_s": str(claims.logged_in_s),
    }
    return AuthResponse(routes=["*"], principal_id=claims.subject, context=told)


def caller_from(authorizer: Mapping[str, str]) -> Caller:
    """The caller as `jwt` passed it on through API Gateway."""
    return Caller(
        authorizer["principalId"],
        _operator(authorizer.get("groups", "").split(_SEPARATOR)),
        issued_s=int(authorizer.get("issued_s", 0)),
        logged_in_s=int(authorizer.get("logged_in_s", 0)),
    )


def caller_of(authorization: str) -> Caller:
    """The caller behind an Authorization header, admitted. Raises NotAllowed."""
    claims = network().access_tokens.verify(access_token(authorization))
    return admitted(Caller(claims.subject, _operator(claims.groups), claims.issued_s, claims.logged_in_s))


def admitted(caller: Caller) -> Caller:
    """The caller, if the token still counts. One read. Raises NotAllowed."""
    network().accounts.check(caller.driver_id, caller.issued_s)
    return caller


def access_token(authorization: str) -> str:
    """The token in an Authorization header."""
    scheme, _, token = authorization.strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else scheme


def _operator(groups: Sequence[str]) -> str | None:
    """A group that names no operator gives no rights: what is nobody's would be theirs."""
    named = [group.removeprefix(_OPERATOR_GROUP) for group in groups if group.startswith(_OPERATOR_GROUP)]
    operators = [it for it in named if _OPERATOR_ID.fullmatch(it)]
    return operators[0] if operators else None
