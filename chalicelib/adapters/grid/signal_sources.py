"""Asks sources of signals by HTTP: at the address that is set and nowhere it points to, for so long and so much.

Keys are in addresses too, so that no error of the library's is repeated to anybody: only what kind it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from time import monotonic
from urllib.parse import quote, urlencode

import urllib3

from chalicelib.adapters.retry_after import wait_of
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.grid.signals import Signal, SignalKind
from chalicelib.ports import Clock
from chalicelib.protocol.signals.source import Question, SignalRequest, Source, UnreadableSignal
from chalicelib.records.grid import SignalUnavailable

_CONNECT_S, _READ_S = 2.0, 5.0
# For all that one fetch asks: the time of a schedule's part has room for it behind its end.
_MOST_S = 10.0
# Three days by the quarter are 40 KB of XML.
_MOST_BYTES = 4 * 1024**2
_CHUNK = 64 * 1024
# What a secret holds until somebody puts in the true ones.
_UNSET = "unset"


@dataclass(frozen=True, kw_only=True)
class HttpSource:
    """One source: the port SignalSource. `key` is asked for only where something is fetched."""

    source: Source
    address: str
    key: Callable[[], str]
    clock: Clock
    seconds: Callable[[], float] = monotonic

    @property
    def kind(self) -> SignalKind:
        return self.source.kind

    @property
    def pace(self) -> timedelta:
        return self.source.pace

    @property
    def is_daily(self) -> bool:
        return self.source.is_daily

    def is_zone(self, zone: str) -> bool:
        return self.source.is_zone(zone)

    def fetch(self, zone: str, begins_at: datetime, ends_at: datetime) -> Signal:
        """A request for each of the source's asks, as a rule one."""
        key = self.key()
        if self.source.needs_key and not key:
            raise SignalUnavailable(f"no key of {self.source.name} is set")
        if not self.is_zone(zone):
            raise SignalUnavailable(f"no zone of {self.source.name}")
        until_s = self.seconds() + _MOST_S
        question = Question(zone=zone, begins_at=begins_at, ends_at=ends_at, key=key)
        talk = self.source.ask(question)
        try:
            ask = next(talk)
            while True:
                ask = talk.send(self._get(ask, until_s))
        except StopIteration as over:
            told: Signal = over.value
            return told
        except UnreadableSignal as error:
            raise SignalUnavailable(str(error)) from error

    @cached_property
    def _pool(self) -> urllib3.PoolManager:
        return urllib3.PoolManager(retries=False, headers={"User-Agent": "Kerb"})

    def _get(self, ask: SignalRequest, until_s: float) -> bytes:
        url = self.address.rstrip("/") + quote(ask.path, safe="/:,") + (f"?{urlencode(ask.query)}" if ask.query else "")
        try:
            answer = self._pool.request(
                "GET",
                url,
                headers={"User-Agent": "Kerb", **ask.headers},
                redirect=False,
                timeout=urllib3.Timeout(connect=_CONNECT_S, read=_READ_S),
                preload_content=False,
            )
            try:
                if not 200 <= answer.status < 300:
                    raise SignalUnavailable(
                        f"HTTP {answer.status}", wait_of(answer.headers.get("Retry-After"), self.clock())
                    )
                return self._body(answer, until_s)
            finally:
                answer.close()
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise SignalUnavailable(type(error).__name__) from None

    def _body(self, answer: urllib3.BaseHTTPResponse, until_s: float) -> bytes:
        """All of it, unless it is endless or dribbles. Nothing is unpacked: nothing packed was asked for."""
        body = b""
        while chunk := answer.read1(_CHUNK, decode_content=False):
            body += chunk
            if len(body) > _MOST_BYTES:
                raise SignalUnavailable(f"more than {_MOST_BYTES} bytes")
            if self.seconds() > until_s:
                raise SignalUnavailable(f"not told within {_MOST_S:.0f} s")
        return body


def by_source(text: str) -> Mapping[str, str]:
    """What a setting says of each source: a JSON object of texts; nothing where it is empty, or not put in yet."""
    if not text:
        return {}
    told = json.loads(text)
    if not isinstance(told, dict) or not all(isinstance(it, str) for it in told.values()):
        raise ValueError("a setting of signals is a JSON object of texts")
    return {name: it for name, it in told.items() if it not in ("", _UNSET)}
