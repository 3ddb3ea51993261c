"""What people do at a charger, one story at a time; each ends well unless something goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from chalicelib import wiring
from chalicelib.domain.chargers.events import ConnectorId, ConnectorStatus
from chalicelib.domain.charging.session import Session
from chalicelib.domain.money.wallet import AutoTopUp, TopUp, top_up_id_for
from chalicelib.domain.pricing.tariff import (
    Element,
    PriceComponent,
    Priced,
    ReservationRestriction,
    Restrictions,
    Tariff,
    simple_elements,
)
from chalicelib.records.chargers import Charger, Connection, ConnectorState, Plug, Site
from chalicelib.records.drivers import Driver, Token
from chalicelib.services.sessions.driver_sessions import Wanted
from tests.faults.charger import POWER_W, Stub
from tests.faults.world import NOON, World

ONE = ConnectorId(1)
DRIVER, CARD, CHARGER = "driver-1", "04A1B2C3", "CP-1"
PREPAID = "pi_before"
TARIFF = Tariff(
    tariff_id="standard",
    operator_id="op",
    name="Standard",
    currency="EUR",
    elements=simple_elements(per_kwh=Decimal("4.50")),
    hold_minor=5000,
)
_FEES = (
    Element((PriceComponent(Priced.TIME, Decimal(6)),), Restrictions(reservation=ReservationRestriction.MADE)),
    Element((PriceComponent(Priced.FLAT, Decimal(2)),), Restrictions(reservation=ReservationRestriction.EXPIRED)),
    *TARIFF.elements,
)


@dataclass(frozen=True)
class Story:
    """`play` puts into the agenda what people do; `done_s` is when they have done it."""

    name: str
    protocol: str
    play: Callable[[World, Stub], None]
    done_s: int
    tariff: Tariff = TARIFF
    prepaid_minor: int = 0
    auto: AutoTopUp | None = None

    def prepare(self) -> None:
        """A driver with a card of each kind, perhaps a wallet, and a charger that waits for a car."""
        wiring.network().tariffs.put(self.tariff)
        wiring.network().sites.put(
            Site(
                site_id="harbour",
                operator_id="op",
                name="Harbour",
                address="Quay 1",
                time_zone="Europe/Berlin",
                tariff_id="standard",
            )
        )
        wiring.network().drivers.put(
            Driver(
                driver_id=DRIVER, email="d@example.com", customer_id="cus_1", payment_method_id="pm_1", card="visa 4242"
            )
        )
        if self.prepaid_minor:
            self._prepay()
        wiring.network().tokens.put(Token(uid=CARD, operator_id="op", driver_id=DRIVER), NOON)
        wiring.network().chargers.put(
            Charger(
                charger_id=CHARGER,
                operator_id="op",
                site_id="harbour",
                password_hash="scrypt$",
                connectors=(ONE,),
                # A hold is worth two minutes at the plug: as fast as the stub, so that a charge can outgrow it.
                plugs=(Plug(ONE, max_power_w=POWER_W),),
            )
        )
        wiring.network().sockets.opened(
            Connection(connection_id=f"{CHARGER}-c1", charger_id=CHARGER, operator_id="op", protocol=self.protocol),
            NOON,
        )
        wiring.network().connectors.set_status(
            CHARGER, ConnectorState(connector=ONE, status=ConnectorStatus.AVAILABLE, status_at=NOON)
        )

    def _prepay(self) -> None:
        """Paid in before the story, and so by no payment of its provider's."""
        top_up_id = top_up_id_for(DRIVER, "EUR", "before")
        top_up = TopUp(top_up_id=top_up_id, driver_id=DRIVER, currency="EUR", amount_minor=self.prepaid_minor, at=NOON)
        wiring.network().wallets.note(None, top_up)
        wiring.network().driver_wallets.confirm(top_up_id, PREPAID, self.prepaid_minor)
        wiring.network().driver_wallets.allow(DRIVER, "EUR", self.auto)

    def begin(self, world: World) -> None:
        charger = Stub(CHARGER, self.protocol, world, f"{CHARGER}-c1", online=True)
        world.chargers[CHARGER] = charger
        world.done_at = NOON + timedelta(seconds=self.done_s)
        self.play(world, charger)


def _begin(world: World) -> None:
    def began(answer: tuple[Session, bool]) -> None:
        world.sessions.append(answer[0].session_id)

    wanted = Wanted(CHARGER, ONE)
    world.ask("begin", lambda: wiring.network().driver_sessions.begin(DRIVER, wanted, "key-1"), began)


def _end(world: World) -> None:
    for session_id in world.sessions:
        world.ask("end", partial(_end_one, session_id))


def _end_one(session_id: str) -> Any:
    return wiring.network().driver_sessions.end(DRIVER, session_id)


def _by_app(world: World, charger: Stub) -> None:
    world.after(1, charger.plug)
    world.after(5, lambda: _begin(world))
    world.after(200, lambda: _end(world))
    world.after(500, charger.unplug)


def _by_app_for_long(world: World, charger: Stub) -> None:
    """Longer than its hold is worth."""
    world.after(1, charger.plug)
    world.after(5, lambda: _begin(world))
    world.after(400, lambda: _end(world))
    world.after(500, charger.unplug)


def _by_app_once(world: World, charger: Stub) -> None:
    """Nobody asks twice: whoever is not answered puts the telephone away."""
    world.is_patient = False
    _by_app(world, charger)


def _vanished(world: World, charger: Stub) -> None:
    """The charger loses its power while it charges, and is never heard of again."""
    world.after(1, charger.plug)
    world.after(5, lambda: _begin(world))
    world.after(200, charger.vanish)
    world.after(260, lambda: _end(world))


def _by_card(world: World, charger: Stub) -> None:
    world.after(1, charger.plug)
    world.after(5, lambda: charger.swipe(CARD))
    world.after(200, lambda: charger.swipe(CARD) if charger.charge else None)
    world.after(400, charger.unplug)


def _cancelled(world: World, charger: Stub) -> None:
    world.after(1, lambda: _begin(world))
    world.after(3, lambda: _end(world))
    world.after(20, charger.plug)
    world.after(100, charger.unplug)


def _cancelled_as_it_starts(world: World, charger: Stub) -> None:
    world.after(1, charger.plug)
    world.after(1, lambda: _begin(world))
    world.after(2.4, lambda: _end(world))
    world.after(100, charger.unplug)


def _offline(world: World, charger: Stub) -> None:
    world.after(1, charger.plug)
    world.after(5, lambda: _begin(world))
    world.after(90, charger.go_offline)
    world.after(200, lambda: _end(world))
    world.after(300, charger.unplug)
    world.after(1200, charger.come_online)


def _offline_card(world: World, charger: Stub) -> None:
    world.after(1, charger.go_offline)
    world.after(5, charger.plug)
    world.after(6, lambda: charger.swipe(CARD))
    world.after(300, charger.unplug)
    world.after(900, charger.come_online)


def _declined(world: World, charger: Stub) -> None:
    """The card is good for the hold, and then for nothing more until much later."""

    def decline(*, declines: bool) -> None:
        world.provider.declines = declines

    _by_app_for_long(world, charger)
    world.after(60, lambda: decline(declines=True))
    world.after(2400, lambda: decline(declines=False))


def _declined_card(world: World, charger: Stub) -> None:
    """A card's session begins at once, its hold is refused, and its charger does not stop when it is told to."""

    def decline(*, declines: bool) -> None:
        world.provider.declines = declines

    world.provider.declines = True
    charger.obeys = False
    _by_card(world, charger)
    world.after(2400, lambda: decline(declines=False))


def _hold_gone(world: World, charger: Stub) -> None:
    """The hold has expired by the time it is to be captured; the card pays by another charge."""
    world.provider.refuses_captures = True
    _by_app(world, charger)


def _hold_lost(world: World, charger: Stub) -> None:
    """The hold is gone while the car still charges: another stands in its place."""
    _by_app(world, charger)
    world.after(100, world.provider.let_go)


def _hold_lost_for_good(world: World, charger: Stub) -> None:
    """The hold is gone, and the card is good for nothing until much later: the charge ends, and is paid in the end."""

    def decline(*, declines: bool) -> None:
        world.provider.declines = declines

    world.after(1, charger.plug)
    world.after(5, lambda: _begin(world))
    world.after(99, lambda: decline(declines=True))
    world.after(100, world.provider.let_go)
    world.after(500, charger.unplug)
    world.after(2400, lambda: decline(declines=False))


def _outgrown(world: World, charger: Stub) -> None:
    world.provider.can_raise = charger.is_16
    _by_app_for_long(world, charger)


def _paid_in_and_out(world: World, charger: Stub) -> None:
    """A driver pays in as they plug in, and has what is left paid out afterwards."""

    def top_up() -> Any:
        return wiring.network().driver_wallets.top_up(DRIVER, "EUR", 6000, "top-up-1")

    def pay_out() -> Any:
        return wiring.network().wallet_returns.pay_out(DRIVER, "EUR", None, "back-1")

    world.after(1, lambda: world.ask("top up", top_up))
    world.after(1.5, charger.plug)
    world.after(5, lambda: _begin(world))
    world.after(200, lambda: _end(world))
    world.after(500, charger.unplug)
    world.after(600, lambda: world.ask("pay out", pay_out))


def _reserve(world: World) -> None:
    minutes = timedelta(minutes=0)
    world.ask("reserve", lambda: wiring.network().driver_reservations.make(DRIVER, CHARGER, ONE, minutes, "reserve-1"))


def _reserved(world: World, charger: Stub) -> None:
    world.after(1, lambda: _reserve(world))
    world.after(290, charger.plug)
    world.after(300, lambda: _begin(world))
    world.after(500, lambda: _end(world))
    world.after(600, charger.unplug)


def _reserved_card(world: World, charger: Stub) -> None:
    world.after(1, lambda: _reserve(world))
    world.after(290, charger.plug)
    world.after(300, lambda: charger.swipe(CARD))
    world.after(500, charger.unplug)


def _reserved_in_vain(world: World, charger: Stub) -> None:
    world.after(1, lambda: _reserve(world))


_SMALL = replace(TARIFF, hold_minor=100)
# What a charge comes to is less than any card can be charged.
_TRIFLE = replace(TARIFF, elements=simple_elements(per_kwh=Decimal("0.50")), hold_minor=10)
_RESERVABLE = replace(TARIFF, elements=_FEES)
_AUTO = AutoTopUp(threshold_minor=100, amount_minor=200, monthly_cap_minor=600)
STORIES = {
    story.name: story
    for story in (
        Story("app-201", "ocpp2.0.1", _by_app, 520),
        Story("app-16", "ocpp1.6", _by_app, 520),
        Story("app-once-201", "ocpp2.0.1", _by_app_once, 520),
        Story("app-once-16", "ocpp1.6", _by_app_once, 520),
        Story("vanished", "ocpp1.6", _vanished, 300),
        Story("card-201", "ocpp2.0.1", _by_card, 420),
        Story("card-16", "ocpp1.6", _by_card, 420),
        Story("cancelled", "ocpp1.6", _cancelled, 120),
        Story("cancelled-as-it-starts", "ocpp2.0.1", _cancelled_as_it_starts, 120),
        Story("offline-201", "ocpp2.0.1", _offline, 1210),
        Story("offline-16", "ocpp1.6", _offline, 1210),
        Story("offline-card-16", "ocpp1.6", _offline_card, 910),
        Story("declined", "ocpp2.0.1", _declined, 2410, _SMALL),
        Story("declined-card", "ocpp1.6", _declined_card, 2410),
        Story("hold-gone", "ocpp2.0.1", _hold_gone, 520),
        Story("hold-lost-201", "ocpp2.0.1", _hold_lost, 520),
        Story("hold-lost-16", "ocpp1.6", _hold_lost_for_good, 2410),
        Story("too-little", "ocpp1.6", _by_app, 520, _TRIFLE),
        Story("outgrown-201", "ocpp2.0.1", _outgrown, 520, _SMALL),
        Story("outgrown-16", "ocpp1.6", _outgrown, 520, _SMALL),
        Story("reserved", "ocpp2.0.1", _reserved, 620, _RESERVABLE),
        Story("reserved-card", "ocpp1.6", _reserved_card, 520, _RESERVABLE),
        Story("wallet-201", "ocpp2.0.1", _by_app, 520, prepaid_minor=20_000),
        Story("wallet-card-16", "ocpp1.6", _by_card, 420, prepaid_minor=20_000),
        Story("wallet-short", "ocpp2.0.1", _by_app, 520, prepaid_minor=300),
        Story("wallet-cancelled", "ocpp2.0.1", _cancelled_as_it_starts, 120, prepaid_minor=20_000),
        Story("wallet-outgrown", "ocpp2.0.1", _outgrown, 520, _SMALL, prepaid_minor=20_000),
        Story("wallet-empty", "ocpp1.6", _outgrown, 520, _SMALL, prepaid_minor=150),
        Story("wallet-auto", "ocpp2.0.1", _outgrown, 520, _SMALL, prepaid_minor=150, auto=_AUTO),
        Story("wallet-in-and-out", "ocpp2.0.1", _paid_in_and_out, 620),
        Story("reserved-in-vain", "ocpp1.6", _reserved_in_vain, 10, _RESERVABLE),
    )
}
