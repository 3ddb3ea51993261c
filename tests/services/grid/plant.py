"""A managed site in one process: chargers that keep what they are told, cars that come, and a clock that a test moves.

What the chargers let their cars take is known at each moment, and never more than the connection carries.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.chargers.charging_ability import LearntAbility, firmware_key
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.charging.preferences import ChargingPreferences
from chalicelib.domain.charging.session import Origin, Session, State
from chalicelib.domain.grid.firmware import Firmware
from chalicelib.domain.grid.tree import Node, Port, PortId, SiteTree
from chalicelib.records.chargers import Charger, Connection
from chalicelib.records.grid import StoredClaim
from tests.services.conftest import NOW, SITE, TARIFF, Kit

LIMIT_A, MOST_A, CHARGERS = 40.0, 32.0, 4
SITE_ID = "plant"
# So long a frame is on its way, and its answer.
_WAY = timedelta(seconds=0.3)
_CHECK = timedelta(minutes=1)
# Three phases to neutral.
_VOLTS = 3 * 230


class Died(Exception):
    """The process is gone."""


@dataclass
class Looks:
    """Asks for looks; what is asked for is done when its time has come, for as often as it was asked."""

    clock: Callable[[], datetime]
    asked: list[tuple[datetime, str]] = field(default_factory=list)

    def ask(self, site_id: str, *, at_once: bool = False) -> None:
        due = (self.clock() + timedelta(seconds=0 if at_once else 1), site_id)
        if due not in self.asked:
            self.asked.append(due)

    def ask_later(self, site_id: str, after: timedelta) -> None:
        self.asked.append((self.clock() + after, site_id))

    def ask_for_many(self, site_ids: Any, *, at_once: bool = False) -> None:
        self.asked += [(self.clock(), it) for it in site_ids]


@dataclass
class Outlet:
    """A charger of one connector, as it is: its default, its lease, and whether a car charges."""

    charger_id: str
    connection_id: str
    is_charging: bool = False
    is_deaf: bool = False
    default_a: float = MOST_A
    lease: tuple[tuple[datetime, float], ...] = ()
    lease_ends_at: datetime | None = None
    frames: int = 0

    def offered_a(self, at: datetime) -> float:
        """What it lets its car take."""
        if not self.is_charging:
            return 0.0
        if self.lease and self.lease_ends_at is not None and at < self.lease_ends_at:
            return min(MOST_A, self._leased_a(at))
        return self.default_a

    def _leased_a(self, at: datetime) -> float:
        return next((limit_a for begins_at, limit_a in reversed(self.lease) if begins_at <= at), self.lease[0][1])

    def told(self, action: str, payload: Any, at: datetime) -> dict[str, Any]:
        """Its answer to a command."""
        self.frames += 1
        if action == "GetCompositeSchedule":
            ends_s = round((self.lease_ends_at - at).total_seconds()) if self.lease_ends_at is not None else 0
            periods = [{"startPeriod": 0, "limit": self.default_a}]
            if self.lease and ends_s > 0:
                periods = [
                    {"startPeriod": 0, "limit": self._leased_a(at)},
                    {"startPeriod": ends_s, "limit": self.default_a},
                ]
            schedule = {
                "duration": payload["duration"],
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": periods,
            }
            return {"status": "Accepted", "connectorId": 1, "chargingSchedule": schedule}
        if action == "ClearChargingProfile" and payload == {"id": 29_011}:
            self.default_a = MOST_A
        if action != "SetChargingProfile":
            return {"status": "Accepted"}
        profile = payload["csChargingProfiles"]
        schedule = profile["chargingSchedule"]
        per_a = _VOLTS if schedule["chargingRateUnit"] == "W" else 1
        course = [(it["startPeriod"], round(it["limit"] / per_a, 1)) for it in schedule["chargingSchedulePeriod"]]
        if profile["chargingProfilePurpose"] == "TxDefaultProfile":
            self.default_a = course[0][1]
        elif self.is_charging:
            begins_at = datetime.fromisoformat(schedule["startSchedule"]) if "startSchedule" in schedule else at
            self.lease = tuple((begins_at + timedelta(seconds=it), limit_a) for it, limit_a in course)
            self.lease_ends_at = begins_at + timedelta(seconds=schedule.get("duration", 10**6))
        return {"status": "Accepted"}

    def end(self) -> None:
        self.is_charging, self.lease, self.lease_ends_at = False, (), None


class Plant:
    """Four chargers of 32 A behind one connection of 40 A. `live` lets time pass."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.looks = Looks(kit.clock)
        vars(kit)["looks"] = self.looks
        self.outlets = [Outlet(f"CP-{it}", f"c-{it}") for it in range(11, 11 + CHARGERS)]
        self.on_its_way: list[tuple[datetime, Outlet, str]] = []
        self.worst_a = 0.0
        self.deaths = 0
        self.checked_at = kit.clock()
        kit.sites.put(replace(SITE, site_id=SITE_ID))
        for it in self.outlets:
            kit.chargers.put(
                Charger(
                    charger_id=it.charger_id,
                    operator_id="op",
                    site_id=SITE_ID,
                    password_hash="scrypt$",
                    connectors=(ConnectorId(1),),
                )
            )
            kit.sockets.opened(
                Connection(
                    connection_id=it.connection_id, charger_id=it.charger_id, operator_id="op", protocol="ocpp1.6"
                ),
                NOW,
            )
            kit.charger_news.booted(it.charger_id, "Plant", "One", None, "1")
        name = firmware_key("ocpp1.6", "Plant", "One", "1")
        proven = Firmware(name=name, learnt=LearntAbility(falls_back=True, keeps_when_cut=True), keeps_when_booted=True)
        kit.firmwares.learn(Firmware(name=name), proven)
        self._hear()

    @property
    def tree(self) -> SiteTree:
        return SiteTree(
            site_id=SITE_ID,
            nodes=(Node(node_id="grid", limit_ma=(int(LIMIT_A * 1000),) * 3),),
            ports=tuple(Port(port_id=self.port(number), node_id="grid") for number in range(CHARGERS)),
        )

    def port(self, number: int) -> PortId:
        return PortId(self.outlets[number].charger_id, ConnectorId(1))

    def describe(self) -> None:
        self.kit.site_grids.describe("op", self.tree, None)
        self.live(10)

    def begin(self, number: int, preferences: ChargingPreferences | None = None) -> None:
        """A car charges: its claim is written, as `SiteClaims` does."""
        self.outlets[number].is_charging = True
        claim = StoredClaim(
            site_id=SITE_ID,
            port_id=self.port(number),
            session_id=f"S-{number}",
            begun_at=self.kit.clock(),
            ref="1",
            preferences=preferences,
        )
        self.insist(lambda: self.kit.managed_sites.begin(claim))
        self.survive(lambda: self.looks.ask(SITE_ID))

    def known(self, number: int, driver_id: str | None = None) -> None:
        """That car's session is kept too, be it a driver's or nobody's."""
        port_id = self.port(number)
        session = Session(
            session_id=f"S-{number}",
            operator_id="op",
            site_id=SITE_ID,
            charger_id=port_id.charger_id,
            connector=port_id.connector,
            origin=Origin.CHARGER,
            token="",
            driver_id=driver_id,
            tariff=TARIFF,
            created_at=self.kit.clock(),
            started_at=self.kit.clock(),
            state=State.ACTIVE,
            is_load_managed=True,
        )
        self.kit.sessions.add(session)

    def end(self, number: int) -> None:
        self.outlets[number].end()
        self.insist(lambda: self.kit.managed_sites.end(SITE_ID, self.port(number), f"S-{number}"))
        self.survive(lambda: self.looks.ask(SITE_ID))

    def offered_a(self) -> list[float]:
        now = self.kit.clock()
        return [it.offered_a(now) for it in self.outlets]

    def live(self, seconds: float) -> None:
        """Time passes, in steps of a tenth of a second where something is under way."""
        until = self.kit.clock() + timedelta(seconds=seconds)
        while self.kit.clock() < until:
            self._step()
            now, soon = self.kit.clock(), timedelta(seconds=0.1)
            if not self.on_its_way and not self.looks.asked:
                soon = max(soon, min(until, self.checked_at + _CHECK) - now)
            self.kit.clock.now = now + soon

    def _step(self) -> None:
        now = self.kit.clock()
        self.worst_a = max(self.worst_a, sum(self.offered_a()))
        if now - self.checked_at >= _CHECK:
            self.checked_at = now
            for site_id in list(self.kit.managed_sites.busy()):
                self.survive(lambda site_id=site_id: self.kit.balancer.look(site_id, is_check=True))  # type: ignore[misc]
        for it in [it for it in self.looks.asked if it[0] <= now]:
            self.looks.asked.remove(it)
            self.survive(lambda it=it: self.kit.balancer.look(it[1]))  # type: ignore[misc]
        self._hear()
        for frame in [frame for frame in self.on_its_way if frame[0] <= now]:
            self.on_its_way.remove(frame)
            self._obey(frame[1], frame[2])

    def _hear(self) -> None:
        """What was posted since is on its way to its charger."""
        link = self.kit.link
        for connection_id, frame in link.posted:
            outlet = next(it for it in self.outlets if it.connection_id == connection_id)
            self.on_its_way.append((self.kit.clock() + _WAY, outlet, frame))
        link.posted.clear()

    def _obey(self, outlet: Outlet, frame: str) -> None:
        _, message_id, action, payload = json.loads(frame)
        if outlet.is_deaf:
            return
        answer = outlet.told(action, payload, self.kit.clock())
        self.worst_a = max(self.worst_a, sum(self.offered_a()))
        said = json.dumps([3, message_id, answer])
        self.survive(lambda: self.kit.conversation.receive(outlet.connection_id, said))

    def survive(self, work: Callable[[], object]) -> bool:
        """A process may die at it: nobody does it again, but whoever looks next. Whether it lived."""
        try:
            work()
        except Died:
            self.deaths += 1
            return False
        return True

    def insist(self, work: Callable[[], object]) -> None:
        """A charger says it again until it is answered."""
        while not self.survive(work):
            pass
