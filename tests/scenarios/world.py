"""What every story needs: an operator with a site, a driver with a card, and chargers at the door."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import boto3

from chalicelib import wiring
from chalicelib.domain.money.ledger import balances, held_minor
from local.client import ApiError, Person
from local.seed import OPERATOR_ID, SITE_ID, TARIFF_ID, open_account, seed
from local.simulator.charger import Charger, Setup
from local.stack import Stack
from local.stripe_server import save_test_card
from tests.patience import PATIENCE_S, eventually, until

PASSWORD = "open-sesame-1234"
SPEED = 1000
_LOOKS_EVERY_S = 0.005
DRIVER_PASSWORD = "Driver-story-1"
T = TypeVar("T")


@dataclass
class World:
    """One story's part of the network."""

    stack: Stack
    operator: Person
    driver: Person
    number: int = 0
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _ends: list[Callable[[], Any]] = field(default_factory=list)

    @classmethod
    def founded(cls, stack: Stack) -> World:
        """The network every story shares."""
        network = seed(stack)
        return cls(stack, network.operator, network.driver)

    @contextmanager
    def story(self, number: int) -> Iterator[World]:
        """A story of its own, with a new driver and an event loop for its chargers."""
        email = f"driver-{number}-{secrets.token_hex(3)}@example.com"
        story = World(self.stack, self.operator, open_account(self.stack, email, DRIVER_PASSWORD), number)
        thread = threading.Thread(target=story.loop.run_forever, name=f"story-{number}", daemon=True)
        thread.start()
        try:
            yield story
        finally:
            for end in reversed(story._ends):
                end()
            story.loop.call_soon_threadsafe(story.loop.stop)
            thread.join(timeout=PATIENCE_S)

    def at_the_end(self, end: Callable[[], Any]) -> None:
        """Clean up after the story."""
        self._ends.append(end)

    def in_background(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        """Run a coroutine in the story's event loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine in the story's event loop and wait for it."""
        return self.in_background(work).result(PATIENCE_S)

    def at_chargers(self, look: Callable[[], T]) -> T:
        """What a function returns that is called where the chargers live: nothing of them changes while it looks."""

        async def looked() -> T:
            return look()

        found: T = self.do(looked())
        return found

    @contextmanager
    def watching(self, look: Callable[[], object]) -> Iterator[None]:
        """All the while that function looks where the chargers live, again and again between what they do."""

        async def watch() -> None:
            while True:
                look()
                await asyncio.sleep(_LOOKS_EVERY_S)

        watched = self.in_background(watch())
        try:
            yield
            assert not watched.done()
        finally:
            watched.cancel()

    def new_site(self) -> str:
        """A site of its own, which no search finds."""
        site_id = f"site-{self.number}-{next(self._ids)}"
        site = {"name": site_id, "address": "Quay 2", "time_zone": "Europe/Berlin", "tariff_id": TARIFF_ID}
        self.operator.call("PUT", f"/v1/operator/sites/{site_id}", site)
        return site_id

    def register_charger(self, charger_id: str | None = None, site_id: str = SITE_ID) -> str:
        """A charger of its own with two connectors."""
        charger_id = charger_id or f"CP-{self.number}-{next(self._ids)}"
        # As fast as they are: what a plug cannot give is not billed.
        plugs = [{"connector": it, "kind": "type2", "max_power_w": 20 * 1000 * SPEED} for it in ("1", "2")]
        body = {"site_id": site_id, "connectors": ["1", "2"], "plugs": plugs, "password": PASSWORD}
        self.operator.call("PUT", f"/v1/operator/chargers/{charger_id}", body)
        return charger_id

    def charger(self, version: str = "1.6", site_id: str = SITE_ID, **flaws: Any) -> Charger:
        """A simulated charger, accepted and set up, gone when the story ends. Its cars draw what the story says."""
        setup = Setup(
            charger_id=self.register_charger(site_id=site_id),
            password=PASSWORD,
            url=self.stack.socket_url,
            version=version,
            **{"interval_s": 0.2, "speed": 0.0, "first_wait_s": 0.05, "connection_timeout_s": 600.0, **flaws},
        )
        charger = self.running(setup)

        def is_set_up() -> bool:
            found = wiring.network().setups.get(setup.charger_id)
            return found is not None and found.settled_at is not None

        # Else that comes at any moment of the story.
        eventually(is_set_up)
        return charger

    def running(self, setup: Setup) -> Charger:
        """A charger as set up, connected and accepted, gone when the story ends."""
        charger = Charger(setup)
        running = self.do(_spawn(charger.run()))
        self.at_the_end(lambda: self.do(_cancel(running)))
        self.do(charger.until(lambda it: it.is_online))
        return charger

    def draw(self, charger: Charger, energy_wh: int = 2_000) -> None:
        """The car at connector 1 draws so much, and has room for it: by default what a card can be charged."""
        assert self.do(charger.draw(energy_wh)) == energy_wh

    def issue_card(self) -> str:
        """An RFID card for the story's driver."""
        uid = secrets.token_hex(7).upper()
        driver_id = self.driver.call("GET", "/v1/me")["driver_id"]
        self.operator.call("PUT", f"/v1/operator/tokens/{uid}", {"driver_id": driver_id})
        return uid

    def new_driver(self, card: str | None = "pm_card_visa") -> Person:
        """Another driver."""
        return open_account(self.stack, f"other-{secrets.token_hex(4)}@example.com", DRIVER_PASSWORD, card)

    def pay_up(self, debtor: Person, card: str = "pm_card_visa") -> None:
        """What is owed by a card bars it in all accounts: a story leaves no debt behind."""
        setup = debtor.call("POST", "/v1/cards/setup", {})
        save_test_card(self.stack.stripe.url, setup["client_secret"], setup["publishable_key"], card)
        debtor.call("POST", "/v1/cards", {"setup_id": setup["setup_id"]})
        assert debtor.call("POST", "/v1/me/balance/pay", {})["debts"] == []

    def until_online(self, charger_id: str, online: bool = True) -> None:
        """Wait until the API says so."""
        eventually(lambda: self.look(charger_id)["online"] is online)

    def look(self, charger_id: str) -> dict[str, Any]:
        """A charger as a driver sees it."""
        return self.driver.call("GET", f"/v1/chargers/{charger_id}")

    def connector(self, charger_id: str, connector: str = "1") -> dict[str, Any]:
        """One of its connectors."""
        (found,) = (it for it in self.look(charger_id)["connectors"] if it["connector"] == connector)
        return dict(found)

    def newest_session(self) -> dict[str, Any] | None:
        """The driver's latest session."""
        items = self.driver.call("GET", "/v1/sessions")["items"]
        return dict(items[0]) if items else None

    def owed_minor(self, session_id: str) -> int:
        """What the driver still owes for a session."""
        sums = balances(wiring.network().ledger.of_session(session_id))
        return sum(amount for (account, _), amount in sums.items() if account.startswith("driver/"))

    def books_are_settled(self, session_id: str) -> bool:
        """Nothing held, nothing owed, and all sums zero."""
        transfers = wiring.network().ledger.of_session(session_id)
        balanced = sum(balances(transfers).values()) == 0
        return balanced and held_minor(transfers) == 0 and self.owed_minor(session_id) == 0

    def until_logged(self, session_id: str) -> None:
        """Wait until its proof can be had: the log takes it in when its queue is read, a while after its end."""

        def is_logged() -> bool:
            self.stack.cloud.queues.deliver()
            try:
                self.operator.call("GET", f"/v1/operator/sessions/{session_id}/proof")
            except ApiError as refused:
                if "not_logged_yet" not in str(refused):
                    raise
                return False
            return True

        eventually(is_logged)

    def transitions(self, session_id: str) -> int:
        """Workflow transitions a session has used, as Step Functions bills them."""
        client = boto3.client("stepfunctions")
        (machine,) = client.list_state_machines()["stateMachines"]
        arn = machine["stateMachineArn"].replace(":stateMachine:", ":execution:") + f":{session_id}"
        events = client.get_execution_history(executionArn=arn, maxResults=1000)["events"]
        return sum(event["type"].endswith("StateEntered") for event in events)


async def _spawn(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    return asyncio.create_task(work)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


__all__ = ["OPERATOR_ID", "PASSWORD", "World", "eventually", "until"]
