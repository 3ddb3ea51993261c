"""Asks makers by HTTP: at the address that is set and nowhere it points to, for so long and so much.

Tokens are in headers and forms: no error of the library's, and nothing that a maker says, is repeated to anybody.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlencode

import urllib3

from chalicelib.adapters.retry_after import wait_of
from chalicelib.domain.data_classes import dataclass, field
from chalicelib.ports import Clock
from chalicelib.records.vehicles import MakerUnavailable

# A maker may ask the car first: Smartcar's and Tesla's answers take some seconds where it wakes by itself.
_CONNECT_S, _READ_S = 3.0, 20.0
_MOST_BYTES = 1024**2
_TOO_MANY = 429


@dataclass(frozen=True, slots=True, kw_only=True)
class MakerAccount:
    """What a deployment has at a maker: `keys` are secret (client_id, client_secret, webhook_secret), others are not.

    `addresses` are by what is asked there, and take the place of the maker's own.
    """

    keys: Mapping[str, str] = field(repr=False)
    addresses: Mapping[str, str]

    def key(self, name: str) -> str:
        """A secret by its name; empty where it is not set."""
        return self.keys.get(name, "")

    @property
    def basic(self) -> str:
        """The client's credentials as RFC 6749 §2.3.1 has them: each form-encoded first."""
        pair = f"{quote(self.key('client_id'), safe='')}:{quote(self.key('client_secret'), safe='')}"
        return "Basic " + base64.b64encode(pair.encode()).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A maker's answer: what it says is a JSON object, and empty where it is anything else."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    retry_after: timedelta | None = None

    @property
    def is_good(self) -> bool:
        """Whether it did what it was asked."""
        return 200 <= self.status < 300

    def unavailable(self) -> MakerUnavailable:
        """The same as an error: how it failed, and how long to stay away."""
        return MakerUnavailable(f"HTTP {self.status}", self.retry_after)


@dataclass(frozen=True)
class MakerClient:
    """Sends requests to makers. Raises MakerUnavailable where no answer comes, and where it is asked too often."""

    clock: Clock

    @cached_property
    def _pool(self) -> urllib3.PoolManager:
        return urllib3.PoolManager(retries=False)

    def get(self, url: str, headers: Mapping[str, str], query: Mapping[str, str] | None = None) -> Reply:
        """Read what is at an address."""
        return self._asked("GET", f"{url}?{urlencode(query)}" if query else url, headers, None)

    def post(self, url: str, headers: Mapping[str, str], said: Mapping[str, Any] | None) -> Reply:
        """Send a JSON object, or nothing but the request."""
        if said is None:
            return self._asked("POST", url, headers, None)
        told = {"Content-Type": "application/json", **headers}
        return self._asked("POST", url, told, json.dumps(said).encode())

    def post_form(self, url: str, headers: Mapping[str, str], said: Mapping[str, str]) -> Reply:
        """Send a form, as OAuth's endpoints take it."""
        told = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        return self._asked("POST", url, told, urlencode(said).encode())

    def delete(self, url: str, headers: Mapping[str, str]) -> Reply:
        """Delete what is at an address."""
        return self._asked("DELETE", url, headers, None)

    def _asked(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        told = {"User-Agent": "Kerb", "Accept": "application/json", **headers}
        timeout = urllib3.Timeout(connect=_CONNECT_S, read=_READ_S)
        try:
            answer = self._pool.request(
                method, url, body=body, headers=told, redirect=False, timeout=timeout, preload_content=False
            )
            try:
                text = answer.read(_MOST_BYTES + 1)
            finally:
                answer.close()
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as error:
            raise MakerUnavailable(type(error).__name__) from None
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise MakerUnavailable(type(error).__name__, is_unsure=True) from None
        reply = Reply(
            status=answer.status,
            body=_object(text),
            headers={name.lower(): value for name, value in answer.headers.items()},
            retry_after=wait_of(answer.headers.get("Retry-After"), self.clock()),
        )
        if reply.status == _TOO_MANY:
            raise reply.unavailable()
        return reply


def _object(text: bytes) -> Mapping[str, Any]:
    if len(text) > _MOST_BYTES:
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
