"""A utility's OpenADR 3 server over HTTP: asked as a virtual end node (VEN), with a token of its own.

Its address is an operator's word, so that it must be a public one, leads nowhere else, and says no more than fits. Its
token is kept in the process until it ends, or is refused.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import urllib3

from chalicelib.adapters.notifications.messengers import Resolve, outside_pool, resolve
from chalicelib.adapters.retry_after import wait_of
from chalicelib.domain.data_classes import dataclass, field
from chalicelib.domain.grid.delivery import QuarterDelivery
from chalicelib.domain.grid.utility import UtilityEvent
from chalicelib.domain.notifications import check_webhook
from chalicelib.ports import Clock
from chalicelib.protocol.openadr.v3 import (
    PAGE,
    events_query,
    program_names,
    report,
    token_request,
    utility_event,
)
from chalicelib.records.grid import OpenAdrVersion, ServerUnavailable, UtilityLink

_PORTS = {"https": 443, "http": 80}
_MOST_BYTES = 1024**2
# Of a server that answers with full pages for ever.
_MOST_PAGES = 20
_TOKEN_LASTS_S = 300
# However slowly it is told.
_CONNECT_S, _READ_S = 2.0, 5.0
_ANSWERED_WITHIN = timedelta(seconds=10)
_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"
_UNAUTHORIZED, _CONFLICT = 401, 409
# What a server rests for that has had enough and says no more than that, and the longest that one may: an event of an
# hour ago is of no use.
_USUAL_REST: Mapping[int, timedelta] = {429: timedelta(minutes=1), 503: timedelta(0)}
_LONGEST_REST = timedelta(hours=1)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class OpenAdr3:
    """The port UtilityServers: each server spoken to in its own version. `tokens` are kept while they are good."""

    clock: Clock
    may_be_inside: bool = False
    resolve: Resolve = resolve
    tokens: dict[tuple[str, ...], tuple[str, datetime]] = field(default_factory=dict)

    def events(self, link: UtilityLink) -> Sequence[UtilityEvent]:
        """A request for each page of programs, and of each program's events; one for a token, where there is none."""
        version = link.version
        found = []
        for program in self._programs(link):
            for told in self._pages(link, "/events", events_query(version, program["id"], 0)):
                try:
                    found.append(
                        utility_event(version, told, program, frozenset({link.ven_name, link.client_id}), self.clock())
                    )
                except ValueError as error:
                    _log.warning(
                        "event not understood", extra={"operator_id": link.operator_id, "why": str(error)[:200]}
                    )
        return found

    def report(self, link: UtilityLink, program_id: str, event_id: str, quarters: Sequence[QuarterDelivery]) -> None:
        """One request. That it is there already is no error."""
        body = report(link.version, program_id, event_id, link.ven_name, quarters)
        self._asked(link, "/reports", json.dumps(body).encode())

    def _programs(self, link: UtilityLink) -> list[Mapping[str, Any]]:
        told = list(self._pages(link, "/programs", {"skip": "0", "limit": str(PAGE)}))
        try:
            known = program_names(told)
        except ValueError as error:
            raise ServerUnavailable(str(error)) from error
        return [it for it in known.values() if not link.programs or it["programName"] in link.programs]

    def _pages(self, link: UtilityLink, path: str, query: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
        for number in range(_MOST_PAGES):
            page = self._asked(link, f"{path}?{urlencode({**query, 'skip': str(number * PAGE)})}")
            if not isinstance(page, list) or not all(isinstance(it, dict) for it in page):
                raise ServerUnavailable(f"{path} answered no list")
            yield from page
            if len(page) < PAGE:
                return

    def _asked(self, link: UtilityLink, path: str, body: bytes | None = None) -> Any:
        """What the server answers; with another token where the first is refused. A body is posted."""
        method, url = ("GET" if body is None else "POST"), link.url.rstrip("/") + path
        for is_last in (False, True):
            headers = {"Authorization": f"Bearer {self._token(link)}", "Content-Type": _JSON}
            status, answer, rest = self._sent(method, url, headers, body)
            if status == _UNAUTHORIZED and not is_last:
                self.tokens.pop(_key(link), None)
                continue
            if not 200 <= status < 300 and (body is None or status != _CONFLICT):
                raise ServerUnavailable(f"{path.partition('?')[0]}: HTTP {status}", rest)
            return answer
        return None

    def _token(self, link: UtilityLink) -> str:
        key = _key(link)
        token, until = self.tokens.get(key, ("", self.clock()))
        if token and self.clock() < until:
            return token
        form = urlencode(token_request(link.client_id, link.client_secret)).encode()
        status, told, rest = self._sent("POST", self._token_url(link), {"Content-Type": _FORM}, form)
        if not 200 <= status < 300 or not isinstance(told, dict) or not isinstance(told.get("access_token"), str):
            raise ServerUnavailable(f"no token: HTTP {status}", rest)
        lasts = told.get("expires_in")
        lasts_s = lasts if isinstance(lasts, int | float) and 0 < lasts < 86_400 else _TOKEN_LASTS_S
        # One that ends on its way is refused.
        self.tokens[key] = told["access_token"], self.clock() + timedelta(seconds=0.9 * lasts_s)
        return str(told["access_token"])

    def _token_url(self, link: UtilityLink) -> str:
        """As the operator says; else as the server does, or at the path that both versions know."""
        if link.token_url:
            return link.token_url
        if link.version is OpenAdrVersion.V3_1_0:
            status, told, _ = self._sent("GET", link.url.rstrip("/") + "/auth/server", {}, None)
            if status == 200 and isinstance(told, dict) and isinstance(told.get("tokenURL"), str):
                return str(told["tokenURL"])
        return link.url.rstrip("/") + "/auth/token"

    def _sent(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> tuple[int, Any, timedelta]:
        """Status and JSON of an answer, None where it has none, and for how long its server wants to be left alone.

        Raises ServerUnavailable, which repeats no address.
        """
        try:
            check_webhook(url.partition("?")[0], may_be_inside=self.may_be_inside)
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
            with outside_pool(parts.scheme, host, port, self.resolve, may_be_inside=self.may_be_inside) as pool:
                answer = pool.urlopen(
                    method,
                    (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
                    body=body,
                    headers={"User-Agent": "Kerb", "Accept": _JSON, **headers, "Host": parts.netloc},
                    retries=False,
                    redirect=False,
                    timeout=urllib3.Timeout(connect=_CONNECT_S, read=_READ_S),
                    preload_content=False,
                )
                said = _body(answer, self.clock, self.clock() + _ANSWERED_WITHIN)
                answer.close()
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise ServerUnavailable(type(error).__name__) from None
        if len(said) > _MOST_BYTES:
            raise ServerUnavailable(f"more than {_MOST_BYTES} bytes")
        rest = self._rest(answer)
        try:
            return answer.status, json.loads(said), rest
        except (ValueError, RecursionError):
            return answer.status, None, rest

    def _rest(self, answer: urllib3.BaseHTTPResponse) -> timedelta:
        usual = _USUAL_REST.get(answer.status)
        if usual is None:
            return timedelta(0)
        told = wait_of(answer.headers.get("Retry-After"), self.clock())
        return min(told, _LONGEST_REST) if told is not None else usual


def _key(link: UtilityLink) -> tuple[str, ...]:
    """Whose token it is: nobody has one by another's address and name, or by another secret."""
    return link.operator_id, link.url, link.token_url, link.client_id, link.client_secret


def _body(answer: urllib3.BaseHTTPResponse, clock: Clock, until: datetime) -> bytes:
    """What it says, as far as it is let; ServerUnavailable for one that takes too long over it."""
    said = bytearray()
    while len(said) <= _MOST_BYTES and (part := answer.read1(_MOST_BYTES, decode_content=False)):
        said += part
        if clock() > until:
            raise ServerUnavailable("it did not say all in time")
    return bytes(said)
