"""A utility that speaks OpenADR 2.0b (openleadr's own server) lowers a site by our VEN, a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from openleadr import OpenADRServer

from cli.openadr2 import OperatorApi, Ven
from cli.openadr2_events import name_of
from tests.patience import eventually, until
from tests.scenarios.test_load_balancing import Site
from tests.scenarios.world import World

_VEN = "kerb-quay"


@dataclass
class Utility:
    """A utility's server, what it was answered and what it was told."""

    world: World
    url: str = ""
    answers: dict[str, str] = field(default_factory=dict)
    told_w: list[float] = field(default_factory=list)
    clock_ahead: timedelta = timedelta()

    def open(self) -> None:
        """Where the story's chargers live too."""
        self.world.do(self._open())

    async def _open(self) -> None:
        server = OpenADRServer(
            vtn_id="UTILITY", http_port=0, requested_poll_freq=timedelta(seconds=1), verify_message_signatures=False
        )
        server.add_handler("on_create_party_registration", self._register)
        server.add_handler("on_register_report", self._offer)
        await server.run()
        host, port = server.app_runner.addresses[0]
        self.server, self.url = server, f"http://{host}:{port}/OpenADR2/Simple/2.0b"

    async def _register(self, registration: Any) -> tuple[str, str]:
        return f"id-of-{registration['ven_name']}", "registration-1"

    async def _offer(
        self,
        ven_id: str,
        resource_id: str,
        measurement: str,
        unit: str,
        scale: str,
        min_sampling_interval: timedelta,
        max_sampling_interval: timedelta,
    ) -> Any:
        return self._report, timedelta(minutes=15)

    async def _report(self, data: Any) -> None:
        self.told_w += [float(value) for _, value in data]

    def ask(self, event_id: str, name: str, kind: str, value: float, **more: Any) -> None:
        """Of all who are at the quay, for an hour from now."""

        async def asked() -> None:
            interval = {"dtstart": datetime.now(UTC), "duration": timedelta(hours=1), "signal_payload": value}
            self.server.add_event(
                ven_id=f"id-of-{_VEN}",
                event_id=event_id,
                signal_name=name,
                signal_type=kind,
                intervals=[interval],
                market_context="http://utility.example/peak",
                callback=self._answered,
                **more,
            )

        self.world.do(asked())

    async def _answered(self, ven_id: str, event_id: str, opt_type: str) -> None:
        self.answers[event_id] = opt_type

    def cancel(self, event_id: str) -> None:
        async def cancelled() -> None:
            self.server.cancel_event(f"id-of-{_VEN}", event_id)

        self.world.do(cancelled())

    def drop(self, event_id: str) -> None:
        """It has the event no more, and does not say that it is cancelled."""

        async def dropped() -> None:
            events = self.server.events[f"id-of-{_VEN}"]
            events[:] = [it for it in events if it.event_descriptor.event_id != event_id]

        self.world.do(dropped())

    def forget(self) -> None:
        """As a server that is begun anew without its events."""

        async def forgotten() -> None:
            self.server.events.clear()

        self.world.do(forgotten())

    def close(self) -> None:
        self.world.do(self.server.stop())


@pytest.fixture
def utility(world: World) -> Iterator[Utility]:
    found = Utility(world)
    found.open()
    yield found
    found.close()


def _key(world: World) -> str:
    ends_at = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    body = {"name": "openadr", "scopes": ["power:read", "power:write"], "sites": None, "expires_at": ends_at}
    secret: str = world.operator.call("POST", "/v1/operator/keys", body)["secret"]
    return secret


def _standing(world: World, begin: str) -> list[str]:
    found = world.operator.call("GET", "/v1/operator/demand-response/events")["items"]
    return [it["event_id"] for it in found if it["event_id"].startswith(begin) and it["cancelled_at"] is None]


def test_a_utility_of_2_0b_is_heard_answered_and_told_what_came_of_it(world: World, utility: Utility) -> None:
    site = Site(world)
    site.describe()
    world.operator.call("PUT", f"{site.path}/demand-response", {"areas": ["quay-2b"]})
    site.begin(0)
    site.until_offered(22.0, 0, 0, 0)
    ven, staying = world.do(_begun(world, utility))
    utility.ask("half", "SIMPLE", "level", 2, targets_by_type={"group_id": ["quay-2b"]})
    until(lambda: utility.answers.get("half"), "optIn")
    site.until_offered(11.0, 0, 0, 0)
    # Price alone asks for nothing, and the utility is told that nobody takes part.
    utility.ask("price", "ELECTRICITY_PRICE", "price", 0.4)
    until(lambda: utility.answers.get("price"), "optOut")

    # A quarter of an hour is told once it is over: what was drawn, and what would have been.
    def is_told() -> bool:
        site.looked()
        utility.told_w.clear()
        world.do(_reported(ven, utility))
        return sorted(utility.told_w) == utility.told_w[:2] and max(utility.told_w, default=0.0) > 0.0

    eventually(is_told)
    utility.clock_ahead = timedelta()
    utility.cancel("half")
    eventually(lambda: not _standing(world, "openadr2-"))
    # One that is not among those that are told is cancelled by that.
    utility.ask("first", "SIMPLE", "level", 1, targets_by_type={"group_id": ["quay-2b"]})
    until(lambda: utility.answers.get("first"), "optIn")
    utility.drop("first")
    utility.ask("second", "SIMPLE", "level", 1, targets_by_type={"group_id": ["quay-2b"]})
    until(lambda: utility.answers.get("second"), "optIn")
    eventually(lambda: _standing(world, "openadr2-") == [name_of(utility.url, "second")])
    utility.cancel("second")
    eventually(lambda: not _standing(world, "openadr2-"))
    # Stopped, and the utility forgets what it had asked meanwhile: begun again, it is cancelled.
    utility.ask("again", "SIMPLE", "level", 1, targets_by_type={"group_id": ["quay-2b"]})
    until(lambda: utility.answers.get("again"), "optIn")
    assert len(_standing(world, "openadr2-")) == 1
    staying.cancel()
    world.do(ven.stop())
    utility.forget()
    ven, staying = world.do(_begun(world, utility))
    eventually(lambda: not _standing(world, "openadr2-"))
    staying.cancel()
    world.do(ven.stop())


async def _begun(world: World, utility: Utility) -> tuple[Ven, Any]:
    ven = Ven(
        OperatorApi(world.stack.http_url, _key(world)),
        ven_name=_VEN,
        vtn_url=utility.url,
        clock=lambda: datetime.now(UTC) + utility.clock_ahead,
    )
    return ven, world.in_background(ven.stay())


async def _reported(ven: Ven, utility: Utility) -> None:
    utility.clock_ahead = timedelta(minutes=15)
    for request in ven.report_requests:
        await ven.update_report(request["report_request_id"])
