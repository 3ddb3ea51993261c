"""A route as it is declared, a request as its handler gets it, and the answer that a handler may give."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel

from chalicelib.domain.access.rights import Principal, Scope, SiteRule
from chalicelib.domain.data_classes import dataclass, field
from chalicelib.handlers.http.caller import Caller, access_token
from chalicelib.handlers.http.problem import BadRequest, Forbidden
from chalicelib.records.drivers import Driver, NotAllowed

KEY_FORM = "1 to 255 printable ASCII characters"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
# Who holds a phone that was left unlocked may not take the account; OWASP ASVS 5.0, 7.5.1: re-authenticate first.
_RECENT_S = 15 * 60
# What a path calls things that stand at a site (`wiring/access.py` says how that is found).
_NAMES = frozenset({"charger_id", "session_id", "site_id", "report_id", "alarm_id"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An HTTP request, checked: path parameters decoded, body validated, caller known (if the route asks who it is)."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    raw_body: bytes
    body: Any
    caller: Caller | None
    acts: Principal | None = None
    # Where it comes from, as API Gateway says: the address, and its own name for the request.
    address: str = ""
    request_id: str = ""

    @property
    def driver_id(self) -> str:
        """The caller's account. Raises NotAllowed for a stranger, and for an API key, which has none."""
        if self.caller is None or self.caller.key is not None:
            raise NotAllowed("log in first")
        return self.caller.driver_id

    @property
    def known_caller(self) -> Caller:
        """The person who calls. Raises NotAllowed for a stranger."""
        if self.caller is None:
            raise NotAllowed("log in first")
        return self.caller

    @property
    def known_driver(self) -> Driver:
        """The person who calls, as their row says. Raises NotAllowed for a stranger, and for an API key."""
        if self.caller is None or self.caller.driver is None:
            raise NotAllowed("log in first")
        return self.caller.driver

    @property
    def issued_s(self) -> int:
        """When the token was given out by which the caller is known (Unix time); 0 for a stranger."""
        return self.caller.issued_s if self.caller is not None else 0

    @property
    def known_driver_id(self) -> str | None:
        """The caller's account, on a route that is open to strangers; None for one."""
        return self.caller.driver_id if self.caller is not None else None

    @property
    def principal(self) -> Principal:
        """Who acts for which operator, with what rights, on a route that needs one."""
        if self.acts is None:
            raise Forbidden("this needs an operator's account")
        return self.acts

    @property
    def operator_id(self) -> str:
        """The operator the caller acts for, on a route that needs one."""
        return self.principal.operator_id

    @property
    def access_token(self) -> str:
        """What the caller showed; for the identity provider, which asks for it where a person changes who they are."""
        return access_token(self.headers.get("Authorization", ""))

    @property
    def is_login_recent(self) -> bool:
        """Whether a password was given for the token a short time ago.

        By this machine's clock, which also ends the token: not by the product's, which can be moved.
        """
        return self.caller is not None and time.time() - self.caller.logged_in_s < _RECENT_S

    @property
    def idempotency_key(self) -> str | None:
        """What makes a request made again the same request. Raises BadRequest."""
        key = self.headers.get("Idempotency-Key")
        if key is not None and not _KEY.fullmatch(key):
            raise BadRequest(f"Idempotency-Key must be {KEY_FORM}", "Idempotency-Key")
        return str(key) if key is not None else None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler answers with, when it is more than a body with the route's usual status."""

    body: BaseModel | str | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Request], BaseModel | Answer | None]
# The site that a body says a thing is to stand at.
StandsAt = Callable[[Any], str]
# A lesser scope, and of which bodies it is enough.
Eased = tuple[Scope, Callable[[Any], bool]]
# What is there before a change, of the caller's operator alone.
Reads = Callable[[Request], Any]
# As whom, and of which operator's, somebody is written down who acts for none yet.
Joins = Callable[[Request], Principal]
# Routes of the platform's administrator, and no others.
PLATFORMS = "/v1/platform/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A route as documented; `also` are the statuses of success beside the usual one, and when they come.

    `needs`, `sites`, `makes`, `stands_at` and `eases` say who may use an operator's route, `of_account` which others
    the platform's administrator may: see `endpoint`.
    """

    method: str
    path: str
    takes: type[BaseModel] | None
    answers: type[BaseModel] | None
    status: int
    also: Mapping[int, str]
    needs_login: bool
    is_personal: bool
    needs: Scope | None
    sites: SiteRule | None
    makes: bool
    stands_at: StandsAt | None
    eases: Eased | None
    reads: Reads | None
    joins: Joins | None
    of_account: bool
    errors: tuple[int, ...]
    handler: Handler
    content_type: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    also_as: tuple[str, ...]

    @property
    def is_audited(self) -> bool:
        """Whether it is written down: all that an operator's people and keys change, and what others do of it."""
        is_operators = self.needs is not None or self.is_platforms or self.joins is not None
        return is_operators and self.method != "GET"

    @property
    def is_platforms(self) -> bool:
        """Whether it is for the platform's administrator."""
        return self.path.startswith(PLATFORMS)

    @property
    def names_things(self) -> bool:
        """Whether its path names things that stand at a site."""
        return bool(_NAMES.intersection(re.findall(r"{(\w+)}", self.path)))

    @property
    def is_cacheable(self) -> bool:
        """Whether a client may ask if anything has changed: whatever is read as a model."""
        return self.method == "GET" and self.answers is not None and self.status == HTTPStatus.OK
