"""An OpenADR 2.0b VEN for one operator: hears its utility's events and tells them to the operator's API as its own.

A process of its own, beside Kerb: 2.0b is XML that somebody keeps asking for, with certificates of its own, and its
client (`openleadr`) is no library of the product's. What it knows is at the utility's server and in the API; stopped
and begun again, it goes on. A utility is told yes (`optIn`) only for what the API has taken.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from openleadr import OpenADRClient, enums

from cli.openadr2_events import NotUnderstood, body_of, is_open, name_of, names_of

_log = logging.getLogger("kerb.openadr2")
_EVENTS = "/v1/operator/demand-response/events"
_TIMEOUT_S, _EVERY_S = 10, 30.0
# An event without an end is asked for a day at a time.
_ANEW_S = 6 * 3600
_QUARTER = timedelta(minutes=15)
# Whoever is asked no more often than that is heard too late to lower sites within a minute of what it says.
_HEARD_WITHIN = timedelta(seconds=30)
_IN, _OUT = "optIn", "optOut"


class Unheard(Exception):
    """The API could not be reached, or could not answer: what was to be told is told again."""


class Refused(Exception):
    """The API said no; its text says why."""


class OperatorApi:
    """The operator's demand response events, by an API key that may read and write its power."""

    def __init__(self, url: str, key: str) -> None:
        self._url, self._headers = url.rstrip("/"), {"Authorization": f"Bearer {key}"}

    async def ask(self, name: str, body: Mapping[str, Any]) -> None:
        """Ask for an event's sites to take less. Raises Unheard, Refused."""
        await self._call("PUT", f"{_EVENTS}/{name}", body)

    async def cancel(self, name: str) -> None:
        """Cancel it; one that is unknown, over or cancelled is. Raises Unheard."""
        try:
            await self._call("DELETE", f"{_EVENTS}/{name}")
        except Refused as error:
            _log.info("nothing to cancel: %s", error)

    async def standing(self, begin: str, now: datetime) -> list[str]:
        """The events whose names begin so and that are neither cancelled nor over. Raises Unheard, Refused."""
        return [
            it["event_id"]
            async for it in self._pages(f"{_EVENTS}?limit=100", "items")
            if it["event_id"].startswith(begin) and it["cancelled_at"] is None and _end(it) > now
        ]

    async def quarter(self, names: Sequence[str], begins_at: datetime) -> Mapping[str, int] | None:
        """Watts of that quarter by kind, of each site once however many events it is in; None: no event held in it.

        Raises Unheard, Refused.
        """
        sites: dict[str, Mapping[str, Any]] = {}
        for name in names:
            async for site in self._pages(f"{_EVENTS}/{name}/report?limit=1000", "sites"):
                for quarter in site["quarters"]:
                    if datetime.fromisoformat(quarter["begins_at"]) == begins_at:
                        sites[site["site_id"]] = quarter
        if not sites:
            return None
        return {kind: sum(it[kind] for it in sites.values()) for kind in ("drawn_w", "baseline_w")}

    async def _pages(self, path: str, name: str) -> AsyncIterator[Any]:
        cursor: str | None = ""
        while cursor is not None:
            page = await self._call("GET", path + (f"&cursor={cursor}" if cursor else ""))
            for item in page[name]:
                yield item
            cursor = page["next_cursor"]

    async def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
        try:
            async with (
                aiohttp.ClientSession(headers=self._headers, timeout=timeout) as session,
                session.request(method, self._url + path, json=body, allow_redirects=False) as answer,
            ):
                if answer.status in (408, 429) or answer.status >= 500:
                    raise Unheard(f"{method} {path}: {answer.status}")
                if answer.status >= 300:
                    raise Refused(f"{method} {path}: {answer.status} {(await answer.text())[:300]}")
                return await answer.json()
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise Unheard(f"{method} {path}: {type(error).__name__} {error}") from error


def _end(event: Mapping[str, Any]) -> datetime:
    return max(datetime.fromisoformat(it["ends_at"]) for it in event["intervals"])


class Ven(OpenADRClient):  # type: ignore[misc]
    """A virtual end node that takes part for all of an operator's sites that agreed to it (their contracts decide)."""

    def __init__(
        self,
        api: OperatorApi,
        *,
        ven_name: str,
        vtn_url: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        **connection: Any,
    ) -> None:
        """`connection`: certificates and the like, as `openleadr` takes them."""
        super().__init__(ven_name=ven_name, vtn_url=vtn_url, **connection)
        self.api, self._clock = api, clock
        # Cancellations that the API has not heard yet, and events that it is told anew since they have no end.
        self._owed: set[str] = set()
        self._open: dict[str, Mapping[str, Any]] = {}
        self._known: set[str] = set()
        # Of those, what stands at the API as far as is known.
        self._asked: set[str] = set()
        self.on_event = self.on_update_event = self.hear
        for report_type, kind in ((enums.REPORT_TYPE.USAGE, "drawn_w"), (enums.REPORT_TYPE.BASELINE, "baseline_w")):
            self.add_report(
                callback=self._told(kind),
                resource_id=ven_name,
                measurement="POWER_REAL",
                report_type=report_type,
                report_specifier_id="kerb",
                r_id=kind,
                report_duration=timedelta(hours=1),
                sampling_rate=_QUARTER,
            )
        self._quarter: Mapping[str, int] | None = None

    async def hear(self, told: Mapping[str, Any]) -> str:
        """Take an event, or what became of it: whether we take part."""
        described = told["event_descriptor"]
        name = name_of(self.vtn_url, str(described["event_id"]))
        if described.get("test_event"):
            _log.info("%s is a test: nobody is asked for anything", name)
            return _IN
        if described["event_status"] in ("cancelled", "completed"):
            self._open.pop(name, None)
            self._asked.discard(name)
            if described["event_status"] == "cancelled":
                self._owed.add(name)
                await self._cancel_owed()
            return _IN
        try:
            body = body_of(told, frozenset(str(it) for it in (self.ven_name, self.ven_id) if it), self._clock())
            await self.api.ask(name, body)
        except (NotUnderstood, KeyError, TypeError) as error:
            _log.warning("%s asks for nothing that can be done: %s", name, error)
            if name in self._asked:
                # As it was before it holds no more.
                await self._let_go(name)
            return _OUT
        except (Unheard, Refused) as error:
            # A no is true: nobody is asked, be it that the API took it and could not say so, or that it stood before.
            # The utility may tell it again.
            _log.error("%s was not taken: %s", name, error)
            await self._let_go(name)
            return _OUT
        self._known.add(name)
        self._asked.add(name)
        self._owed.discard(name)
        if is_open(told):
            self._open[name] = told
        return _IN

    async def create_party_registration(self, *told: Any, **more: Any) -> Any:
        """The utility is asked as often as it says then, also where it says otherwise than before; else each 10 s.

        2.0b allows no more: `oadrPoll` at most once in what it says.
        """
        answer = await super().create_party_registration(*told, **more)
        if self.registration_id:
            for job in self.scheduler.get_jobs():
                if job.func == self._poll:
                    job.reschedule("interval", seconds=self.poll_frequency.total_seconds())
            if self.poll_frequency > _HEARD_WITHIN:
                _log.warning(
                    "%s is asked only each %s, as it says: so late it is heard", self.vtn_url, self.poll_frequency
                )
        return answer

    async def _on_event(self, message: Mapping[str, Any]) -> None:
        """Events as they come: each time all there are, so that what is not among them is cancelled by that."""
        await super()._on_event(message)
        theirs = {name_of(self.vtn_url, str(it["event_descriptor"]["event_id"])) for it in message["events"]}
        for name in sorted(self._asked - theirs):
            _log.warning("%s is told of no more", name)
            await self._let_go(name)

    async def _let_go(self, name: str) -> None:
        self._asked.discard(name)
        self._open.pop(name, None)
        self._owed.add(name)
        await self._cancel_owed()

    async def stay(self) -> None:
        """Take part until stopped: what is owed is told, what has no end is told anew, and what went meanwhile ends."""
        await self.run()
        if not self.registration_id:
            raise ConnectionError(f"{self.vtn_url} did not register us")
        waited_s = 0.0
        is_compared = False
        while True:
            is_compared = is_compared or await self._compared()
            await self._cancel_owed()
            if waited_s >= _ANEW_S:
                waited_s = 0.0
                for told in list(self._open.values()):
                    await self.hear(told)
            await asyncio.sleep(_EVERY_S)
            waited_s += _EVERY_S

    async def _compared(self) -> bool:
        """What the utility no longer tells of is cancelled (2.0b: its list is all there is); False: ask again."""
        theirs = {name_of(self.vtn_url, str(it["event_descriptor"]["event_id"])) for it in self.received_events}
        try:
            standing = await self.api.standing(names_of(self.vtn_url), self._clock())
        except (Unheard, Refused) as error:
            _log.error("what still stands is not known: %s", error)
            return False
        self._known.update(standing)
        self._asked.update(set(standing) & theirs)
        self._owed.update(set(standing) - theirs)
        return True

    async def _cancel_owed(self) -> None:
        for name in sorted(self._owed):
            if name not in self._owed:
                continue
            try:
                await self.api.cancel(name)
            except Unheard as error:
                _log.error("%s is not cancelled yet: %s", name, error)
                continue
            self._owed.discard(name)

    async def update_report(self, report_request_id: str) -> None:
        """Tell the last whole quarter of an hour; nothing of one in which no event held."""
        now = self._clock()
        ends_at = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
        try:
            self._quarter = await self.api.quarter(sorted(self._known), ends_at - _QUARTER)
        except (Unheard, Refused) as error:
            _log.error("no report: %s", error)
            return
        if self._quarter is not None:
            await super().update_report(report_request_id)

    def _told(self, kind: str) -> Any:
        def watts() -> float:
            return float((self._quarter or {})[kind])

        return watts
