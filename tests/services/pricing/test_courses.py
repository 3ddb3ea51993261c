"""A course that is summed up as it comes costs, at every look, to the cent what walking through all of it finds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.domain.chargers.availability import StatusChanged
from chalicelib.domain.chargers.events import ConnectorId, ConnectorStatus, Reading
from chalicelib.domain.charging.readings import merged
from chalicelib.domain.charging.session import Origin, Session, State
from chalicelib.domain.pricing.energy import Measured
from chalicelib.domain.pricing.tariff import Element, PriceComponent, Priced, Restrictions, Tariff, simple_elements
from chalicelib.records.chargers import Plug
from chalicelib.records.charging import StoredReading, Sums, Transaction
from chalicelib.services.pricing import courses
from chalicelib.services.pricing.courses import Courses
from chalicelib.services.pricing.evidence import Evidence
from chalicelib.services.pricing.rating import cost_so_far, full_bill, idling

BEGAN = datetime(2026, 11, 21, 20, 30, tzinfo=UTC)
PLUG = ConnectorId(1)


@dataclass
class Store:
    """Readings, one transaction, one session and its connector's past, as the ports have them."""

    session: Session
    power_w: int | None = 22_000
    now: datetime = BEGAN
    frames: dict[str, list[Reading]] = field(default_factory=dict)
    happened: list[StatusChanged] = field(default_factory=list)
    sums: Sums | None = field(default_factory=Sums)
    walks: int = 0
    summed_ends: int = 0
    read: int = 0

    def clock(self) -> datetime:
        return self.now

    @property
    def known(self) -> Transaction:
        return Transaction(
            charger_id="CP-1", ref="tx-1", started_at=self.session.started_at, session_id="s-1", sums=self.sums
        )

    # Readings
    def append(self, charger_id: str, ref: str, readings: Sequence[Reading], seq_no: int | None = None) -> None:
        self.frames[self._place(readings)] = sorted(readings, key=lambda it: it.at)

    def _place(self, readings: Sequence[Reading]) -> str:
        in_order = sorted(readings, key=lambda it: it.at)
        return f"{in_order[0].at.isoformat(timespec='microseconds')}#{hash(tuple(in_order)) & 0xFFFFFF:06x}"

    def are_kept(self, charger_id: str, ref: str, readings: Sequence[Reading]) -> bool:
        return self._place(readings) in self.frames

    def _stored(self, since: str = "") -> list[StoredReading]:
        found: list[StoredReading] = []
        for place in sorted(self.frames):
            if place < since:
                continue
            for index, it in enumerate(self.frames[place]):
                self.read += 1
                both = merged(found[-1].reading, it) if found else None
                if both is not None:
                    found.pop()
                found.append(StoredReading(f"{place}/{index:04d}", both or it))
        return found

    def since(self, charger_id: str, ref: str, at: datetime) -> list[StoredReading]:
        return self._stored(at.isoformat(timespec="microseconds"))

    def after(self, charger_id: str, ref: str, position: str, limit: int) -> list[StoredReading]:
        self.walks += limit > 1000
        return [it for it in self._stored() if it.position > position][:limit]

    # Sessions, chargers, history, transactions
    def get(self, *key: str) -> Any:
        if key == ("s-1",):
            return self.session
        if key == ("CP-1",):
            plugs = (Plug(PLUG, max_power_w=self.power_w),) if self.power_w else ()
            return SimpleNamespace(plugs=plugs)
        return self.known

    def within(self, charger_id: str, since: datetime, until: datetime) -> list[StatusChanged]:
        return [it for it in self.happened if since <= it.at <= until]

    def sum_up(self, known: Transaction, sums: Sums | None) -> bool:
        if self.sums is None or known.sums is None or known.sums.version != self.sums.version:
            return False
        self.sums = replace(sums, version=self.sums.version + 1) if sums else None
        return True

    def drop_sum(self, charger_id: str, ref: str) -> None:
        if self.sums is not None:
            self.sums = replace(self.sums, version=self.sums.version + 1, until=None, course=None)


def tariff(*elements: Element, grace_s: int = 0) -> Tariff:
    return Tariff(
        tariff_id="t",
        operator_id="op",
        name="T",
        currency="EUR",
        elements=elements,
        hold_minor=5000,
        idle_grace_s=grace_s,
    )


def priced(of: Priced, price: str, **when: Any) -> Element:
    return Element((PriceComponent(of, Decimal(price), Decimal(19)),), Restrictions(**when))


BY_TIME = simple_elements(per_kwh=Decimal("0.39"), per_minute=Decimal("0.02"), idle_per_minute=Decimal("0.10"))
TARIFFS = (
    tariff(*BY_TIME),
    tariff(*BY_TIME, grace_s=1800),
    tariff(
        priced(Priced.ENERGY, "0.29", start_time=time(22), end_time=time(6)),
        priced(Priced.ENERGY, "0.49", min_power_w=7_000),
        priced(Priced.ENERGY, "0.39"),
        priced(Priced.FLAT, "1", min_duration_s=1200),
    ),
    tariff(
        priced(Priced.PARKING_TIME, "6", min_duration_s=5400, start_time=time(21), end_time=time(23, 30)),
        priced(Priced.PARKING_TIME, "3"),
        priced(Priced.TIME, "1.2", min_energy_wh=5_000, max_current_ma=40_000),
        priced(Priced.TIME, "0.6"),
        priced(Priced.ENERGY, "0.4", min_energy_wh=3_000),
        grace_s=600,
    ),
)
STATES = (
    ConnectorStatus.CHARGING,
    ConnectorStatus.SUSPENDED_BY_CAR,
    ConnectorStatus.SUSPENDED_BY_CHARGER,
    ConnectorStatus.FAULTED,
    ConnectorStatus.OCCUPIED,
)


def session(tariff: Tariff, start_wh: int | None) -> Session:
    return Session(
        session_id="s-1",
        operator_id="op",
        site_id="site",
        charger_id="CP-1",
        connector=PLUG,
        origin=Origin.APP,
        token="s-1",
        driver_id="driver",
        tariff=tariff,
        time_zone="Europe/Berlin",
        created_at=BEGAN,
        state=State.ACTIVE,
        ref="tx-1",
        started_at=BEGAN,
        meter_start_wh=start_wh,
    )


@dataclass(frozen=True)
class Part:
    """A part of a charge: so many readings, so far apart, at so much power, and what its connector is told to do."""

    readings: int
    every_s: int
    power_w: int
    status: ConnectorStatus | None = None
    status_late_s: int = 0


PARTS = st.builds(
    Part,
    readings=st.integers(1, 20),
    every_s=st.sampled_from([7, 30, 60, 61, 300, 900, 1300]),
    power_w=st.sampled_from([0, 0, 3, 60, 1_400, 7_000, 11_000, 22_000]),
    status=st.none() | st.sampled_from(STATES),
    status_late_s=st.sampled_from([0, 0, 5, 2_000]),
)
# What becomes of a message: told, told again, told late, or with a register that cannot be.
ODD = ["again", "again", "late", "very late", "spike", "fallen", "silent", "silent", "beside", "beside"]
FATES = st.sampled_from(["told"] * 60 + ODD)


class Charge:
    """Tells a store of a charge as a charger would, and looks at it both ways after each message."""

    def __init__(self, store: Store, step_wh: int, offset_wh: int) -> None:
        self.store, self.step_wh, self.register_wh = store, step_wh, float(offset_wh)
        evidence = Evidence(cast(Any, store), cast(Any, store), cast(Any, store), store.clock)
        kept = cast(Any, store)
        self.whole = evidence
        self.courses = Courses(evidence=evidence, readings=kept, sessions=kept, transactions=kept, clock=store.clock)
        self.late: list[tuple[int, list[Reading]]] = []

    def tell(self, readings: list[Reading]) -> None:
        known = self.store.known
        self.courses.append(known, readings, known_at=self.store.now)
        self.courses.keep_up(self.store.known, readings)

    def goes_on(self, part: Part, fates: list[str]) -> None:
        if part.status is not None:
            at = self.store.now + timedelta(seconds=part.status_late_s)
            told_at = self.store.now if part.status_late_s else None
            self.store.happened.append(StatusChanged(at, PLUG, part.status, told_at))
        for _ in range(part.readings):
            fate = fates.pop() if fates else "told"
            self.store.now += timedelta(seconds=part.every_s)
            self.register_wh += part.power_w * part.every_s / 3600
            wh = int(self.register_wh) // self.step_wh * self.step_wh
            power = Reading(at=self.store.now, power_w=part.power_w, current_ma=part.power_w * 1000 // 230)
            frame = [replace(power, energy_wh=wh)]
            if fate == "beside":
                self.tell([power])
                frame = [Reading(at=self.store.now, energy_wh=wh)]
            if fate == "spike":
                frame = [replace(power, energy_wh=wh + 400_000)]
            if fate == "fallen":
                frame = [replace(power, energy_wh=max(0, wh - 5_000))]
            if fate in ("late", "very late"):
                self.late.append((5 if fate == "late" else 45, frame))
            elif fate != "silent":
                self.tell(frame)
            if fate == "again":
                self.tell(frame)
            self.late = [(left - 1, it) for left, it in self.late]
            for it in [it for left, it in self.late if left <= 0]:
                self.tell(it)
            self.late = [(left, it) for left, it in self.late if left > 0]

    def check(self) -> None:
        """Both ways find the same, now and later, for a look and for each step of the live view."""
        every = self.whole.all_of(self.store.session)
        found, newest = self.courses.look(self.store.session, self.store.known)
        whole = self.whole.so_far(self.store.session, every, are_all=True)
        assert newest == (every[-1] if every else None)
        for name in ("energy_wh", "flags", "first_wh", "last_wh", "agrees", "is_bounded"):
            assert getattr(found, name) == getattr(whole, name)
        _same(self.store.session, found, whole, self._looks(newest))
        if newest is not None:
            late_s = 60 * (len(every) % 9)
            _same_at(self, whole, newest.reading.at - timedelta(seconds=late_s))

    def check_over(self, after_s: int, rise_wh: int, stands_min: int) -> None:
        """It ends, and costs both ways the same: before its energy is weighed, and after that; while its car stands."""
        store = self.store
        store.now += timedelta(seconds=after_s)
        stop_wh = int(self.register_wh) // self.step_wh * self.step_wh + rise_wh
        ended = replace(store.session, state=State.STOPPING, stopped_at=store.now, meter_stop_wh=stop_wh)
        store.session = ended
        store.now += timedelta(minutes=stands_min)
        until = ended.stopped_at + timedelta(minutes=stands_min) if ended.stopped_at and stands_min else None
        for known in (ended, replace(ended, stood_until=until)):
            first = self.whole.whole(known)
            weighed = replace(known, measured_wh=first.energy_wh, meter_start_wh=first.first_wh)
            for it in (known, weighed, replace(known, measured_wh=(first.energy_wh or 0) + 7)):
                found, whole = self.courses.whole(it), self.whole.whole(it)
                store.summed_ends += found.summed is not None
                for name in ("energy_wh", "flags", "first_wh", "last_wh", "agrees", "is_bounded"):
                    assert getattr(found, name) == getattr(whole, name)
                _same(it, found, whole, [store.now, it.stood_until or store.now])
                assert full_bill(it, found) == full_bill(it, whole)

    def _looks(self, newest: StoredReading | None) -> list[datetime]:
        at = newest.reading.at if newest else self.store.now
        return [at, max(at, self.store.now + timedelta(minutes=17))]

    def check_steps(self, count: int) -> None:
        every = self.whole.all_of(self.store.session)
        place = max(0, len(every) - count)
        after = every[place:]
        position = every[place - 1].position if place else ""
        steps = self.courses.steps(self.store.session, position, after)
        whole = self.whole.steps(self.store.session, every[:place], after)
        for one, other, it in zip(steps, whole, after, strict=True):
            assert one.energy_wh == other.energy_wh
            _same(self.store.session, one, other, [it.reading.at])


def _same_at(charge: Charge, whole: Measured, until: datetime) -> None:
    """A look as at a time, as the monitor takes it."""
    until = max(BEGAN, min(until, charge.store.now))
    found, _ = charge.courses.look(charge.store.session, charge.store.known, until)
    _same(charge.store.session, found, whole, [until])


def _same(session: Session, one: Measured, other: Measured, looks: list[datetime]) -> None:
    for at in looks:
        bills = [cost_so_far(session, it, it.energy_wh or 0, at) for it in (one, other)]
        assert bills[0] == bills[1]
        stands = [idling(session, it, it.energy_wh or 0, at) for it in (one, other)]
        assert stands[0] == stands[1]


@pytest.fixture(autouse=True, scope="module")
def sooner() -> Iterator[None]:
    """Charges of a test are short: what is summed up in an hour or two is summed up in minutes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(courses, "_TOGETHER", 8)
        patch.setattr(courses, "_AT_MOST_EVERY", timedelta(seconds=40))
        patch.setattr(courses, "_SUMMED_AFTER", timedelta(minutes=6))
        yield


@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    parts=st.lists(PARTS, min_size=1, max_size=5),
    fates=st.lists(FATES, max_size=150),
    tariff=st.sampled_from(TARIFFS),
    step_wh=st.sampled_from([1, 1, 10, 1000]),
    start=st.sampled_from(["same", "same", "same", "none", "zero", "counts from 0"]),
    power_w=st.sampled_from([22_000, 22_000, None]),
    offset_wh=st.sampled_from([0, 1_000, 4_321_000]),
    end=st.tuples(
        st.sampled_from([0, 1, 30, 1300, -400]), st.sampled_from([0, 0, 5, 60, -20, 400_000]), st.sampled_from([0, 40])
    ),
)
def test_the_sum_is_the_whole(
    parts: list[Part],
    fates: list[str],
    tariff: Tariff,
    step_wh: int,
    start: str,
    power_w: int | None,
    offset_wh: int,
    end: tuple[int, int, int],
) -> None:
    start_wh = {"same": offset_wh, "none": None, "zero": 0, "counts from 0": offset_wh + 9_000_000}[start]
    store = Store(session(tariff, start_wh), power_w)
    charge = Charge(store, step_wh, 0 if start == "counts from 0" else offset_wh)
    for place, part in enumerate(parts, start=1):
        charge.goes_on(part, fates)
        if place % 2 == 0 or place == len(parts):
            charge.check()
    charge.check_steps(min(12, len(store.frames) // 2))
    charge.check_over(*end)
