"""The caller of a request: what a verified access token says of them, and nothing the caller says beside it.

API Gateway asks `jwt` once and remembers; a route without it (the live view) asks `caller_of` itself. What API Gateway
remembers of a token cannot say that its driver has logged out since, or has left: `admitted` asks that of every
request, for one read of the driver's row, in which stands too for which operators they act. Of an API key it remembers
that it has the form of one and nothing more: whether it is good is asked of every request (`acting`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from chalice import AuthResponse, Blueprint
from chalice.app import AuthRequest

from chalicelib.domain.access.api_keys import ShownKey, looks_like_key, shown
from chalicelib.domain.access.rights import Membership, Principal, PrincipalKind
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.records.drivers import Driver, NotAllowed
from chalicelib.services.access import Refusal
from chalicelib.services.access.members import SECOND_FACTOR_NEEDED
from chalicelib.wiring import network

authorizers = Blueprint(__name__)

_OPERATOR_GROUP = "operator:"
_OPERATOR_ID = re.compile(r"[^\s/\x00-\x1f]{1,120}")
# Groups reach the view as one text with commas between them, and nobody may be made an operator by that.
_SEPARATOR = ","


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A person who calls, or an API key, which is nobody's account; `groups` are the operators that a token names.

    `issued_s` and `logged_in_s` (Unix time) say when the token was given out, and when a password was given for it.
    `driver` is what the person's row says, once they are admitted: what they are to operators, and whether the login
    that the token came of (`login_id`) took a second factor.
    """

    driver_id: str
    groups: tuple[str, ...] = ()
    issued_s: int = 0
    logged_in_s: int = 0
    key: ShownKey | None = None
    login_id: str = ""
    driver: Driver | None = None

    @property
    def memberships(self) -> Mapping[str, Membership]:
        """For which operators they act."""
        return self.driver.memberships if self.driver is not None else {}

    @property
    def is_proven(self) -> bool:
        """Whether their login took a second factor: seen by us as it did, and said by nobody."""
        # A token that names no login proves nothing of any.
        return self.driver is not None and bool(self.login_id) and self.login_id in self.driver.proven_logins

    @property
    def is_platform(self) -> bool:
        """Whether they administer the platform."""
        return self.driver is not None and self.driver.is_platform


@authorizers.authorizer(name="jwt")
def jwt(request: AuthRequest) -> AuthResponse:
    """Admit whoever shows a valid token, or what can be an API key.

    Any other token is answered 401, which API Gateway does on this very text.
    """
    token = access_token(request.token)
    if looks_like_key(token):
        return _key_holder(token)
    try:
        claims = network().access_tokens.verify(token)
    except NotAllowed:
        raise Exception("Unauthorized") from None
    # Whatever goes this way arrives as text.
    told = {
        "groups": _SEPARATOR.join(group for group in claims.groups if _SEPARATOR not in group),
        "issued_s": str(claims.issued_s),
        "logged_in_s": str(claims.logged_in_s),
        "login_id": claims.login_id,
    }
    return AuthResponse(routes=["*"], principal_id=claims.subject, context=told)


def _key_holder(token: str) -> AuthResponse:
    key = shown(token)
    if key is None:
        raise Exception("Unauthorized")
    return AuthResponse(routes=["*"], principal_id=key.key_id, context={"key_hash": key.secret_hash})


def caller_from(authorizer: Mapping[str, str]) -> Caller:
    """The caller as `jwt` passed it on through API Gateway."""
    if secret_hash := authorizer.get("key_hash"):
        return Caller(driver_id="", key=ShownKey(authorizer["principalId"], secret_hash))
    return Caller(
        driver_id=authorizer["principalId"],
        groups=_operators(authorizer.get("groups", "").split(_SEPARATOR)),
        issued_s=int(authorizer.get("issued_s", 0)),
        logged_in_s=int(authorizer.get("logged_in_s", 0)),
        login_id=authorizer.get("login_id", ""),
    )


def caller_of(authorization: str) -> Caller:
    """The caller behind an Authorization header, admitted. Raises NotAllowed."""
    claims = network().access_tokens.verify(access_token(authorization))
    return admitted(
        Caller(
            driver_id=claims.subject,
            groups=_operators(claims.groups),
            issued_s=claims.issued_s,
            logged_in_s=claims.logged_in_s,
            login_id=claims.login_id,
        )
    )


def admitted(caller: Caller) -> Caller:
    """The caller, if the token still counts. One read. Raises NotAllowed."""
    if caller.key is not None:
        return caller
    return replace(caller, driver=network().accounts.check(caller.driver_id, caller.issued_s))


def acting(caller: Caller, chosen: str | None) -> Principal:
    """For which operator an admitted caller acts, and what they may do there; two reads for a key, none for a person.

    And one in half a minute and process, of the operator. Raises NotAllowed for a key that is no good, Refusal
    (`forbidden`, `operator_closed`, `second_factor_needed`).
    """
    members = network().members
    if caller.key is not None:
        principal = network().key_ring.principal(caller.key, chosen)
        members.check_stands(principal.operator_id)
        return principal
    return members.principal(caller.driver_id, caller.memberships, caller.groups, chosen, is_proven=caller.is_proven)


def administering(caller: Caller, operator_id: str) -> Principal:
    """The platform's administrator, who acts upon that operator. Raises Refusal."""
    if not caller.is_platform:
        raise Refusal("forbidden", "this is for the platform's administrator")
    if not caller.is_proven:
        raise Refusal("second_factor_needed", SECOND_FACTOR_NEEDED)
    return Principal(
        kind=PrincipalKind.PLATFORM, operator_id=operator_id, person_id=caller.driver_id, scopes=frozenset()
    )


def access_token(authorization: str) -> str:
    """The token in an Authorization header."""
    scheme, _, token = authorization.strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else scheme


def _operators(groups: Sequence[str]) -> tuple[str, ...]:
    """A group that names no operator gives no rights: what is nobody's would be theirs."""
    named = [group.removeprefix(_OPERATOR_GROUP) for group in groups if group.startswith(_OPERATOR_GROUP)]
    return tuple(it for it in named if _OPERATOR_ID.fullmatch(it))
