"""What a charger may offer is the least of what its prevailing charging profiles allow (OCPP 1.6 §3.13.2, 2.0.1 K).

Of each purpose the highest stack level prevails; a transaction's own profile stands in for the default; and the
limit of the whole station is shared equally by the connectors that charge. Amperes are those of each phase: a car by
one phase draws a third of what a car by three does, of watts it draws all by that one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from local.simulator.line import Payload

OFFERED_W = 22_000
VOLTAGE_V, PHASES = 230, 3
_STATION = ("ChargePointMaxProfile", "ChargingStationMaxProfile", "ChargingStationExternalConstraints")
_EVERY = {"Daily": timedelta(days=1), "Weekly": timedelta(weeks=1)}


def instant(text: str) -> datetime:
    """A time as OCPP writes it."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


@dataclass
class Profile:
    """A charging profile. `evse` 0 is the whole station; `transaction` is our own name of the one it is for."""

    evse: int
    raw: Payload
    received_at: datetime
    transaction: str | None = None

    @property
    def profile_id(self) -> int:
        """Its number: 1.6 and 2.x name it differently."""
        return int(self.raw["chargingProfileId"] if "chargingProfileId" in self.raw else self.raw["id"])

    @property
    def purpose(self) -> str:
        """In the words of its OCPP version."""
        return str(self.raw["chargingProfilePurpose"])

    @property
    def kind(self) -> str:
        """Absolute, Recurring, Relative, or 2.1's Dynamic."""
        return str(self.raw["chargingProfileKind"])

    @property
    def stack_level(self) -> int:
        """The higher prevails."""
        return int(self.raw["stackLevel"])

    @property
    def schedule(self) -> Payload:
        """2.x allows three to choose from; this charger takes the first."""
        found: Any = self.raw["chargingSchedule"]
        return dict(found[0] if isinstance(found, list) else found)

    def overlaps(self, other: Profile) -> bool:
        """Whether both claim the same place at the same time."""
        mine = (self.purpose, self.stack_level, self.evse, self.transaction)
        if mine != (other.purpose, other.stack_level, other.evse, other.transaction):
            return False
        return self._valid()[0] < other._valid()[1] and other._valid()[0] < self._valid()[1]

    def limit_w(self, at: datetime, charging_since: datetime | None, phases: int = PHASES) -> float | None:
        """What it allows at this time to a car by so many phases; None when it says nothing about it."""
        begun = self._period(at, charging_since)
        if begun is None or begun.get("limit") is None:
            return None
        limit = float(begun["limit"])
        return limit if self.schedule["chargingRateUnit"] == "W" else limit * VOLTAGE_V * phases

    def phases(self, at: datetime, charging_since: datetime | None) -> int | None:
        """By how many phases it lets a car charge now; None when it says nothing about that."""
        begun = self._period(at, charging_since)
        return None if begun is None else begun.get("numberPhases")

    def _period(self, at: datetime, charging_since: datetime | None) -> Payload | None:
        valid_from, valid_to = self._valid()
        if not valid_from <= at < valid_to:
            return None
        schedule = self.schedule
        passed_s = (at - self._origin(at, charging_since)).total_seconds()
        if passed_s < 0 or passed_s >= schedule.get("duration", float("inf")):
            return None
        begun = [it for it in schedule["chargingSchedulePeriod"] if it["startPeriod"] <= passed_s]
        return dict(begun[-1]) if begun else None

    def turns(self, at: datetime, until: datetime, charging_since: datetime | None) -> Iterator[datetime]:
        """The times at which it may change its mind."""
        yield from self._valid()
        every = _EVERY.get(self.raw.get("recurrencyKind", ""))
        origin = self._origin(at, charging_since)
        while origin < until:
            for period in self.schedule["chargingSchedulePeriod"]:
                yield origin + timedelta(seconds=period["startPeriod"])
            if "duration" in self.schedule:
                yield origin + timedelta(seconds=self.schedule["duration"])
            if self.raw["chargingProfileKind"] != "Recurring" or every is None:
                return
            origin += every

    def _origin(self, at: datetime, charging_since: datetime | None) -> datetime:
        kind, start = self.raw["chargingProfileKind"], self.schedule.get("startSchedule")
        if kind == "Relative" or (start is None and kind == "Absolute"):
            # 2.x: "when received for a transaction that is already charging, it should be activated immediately".
            is_at_once = charging_since is not None and "chargingProfileId" not in self.raw
            return max(charging_since or at, self.received_at) if is_at_once else charging_since or at
        origin = instant(start) if start else self.received_at
        every = _EVERY.get(self.raw.get("recurrencyKind", ""))
        if kind == "Recurring" and every is not None and at > origin:
            origin += every * ((at - origin) // every)
        return origin

    def _valid(self) -> tuple[datetime, datetime]:
        return (
            instant(self.raw["validFrom"]) if "validFrom" in self.raw else datetime.min.replace(tzinfo=UTC),
            instant(self.raw["validTo"]) if "validTo" in self.raw else datetime.max.replace(tzinfo=UTC),
        )


@dataclass(frozen=True)
class Charge:
    """What a limit depends on. `has_priority`: its driver paid to be first (OCPP 2.1 K22).

    `phases` are those that its car may use now, of `most_phases`; `switches`: its charger can go over to one, and back.
    """

    transaction: str | None = None
    since: datetime | None = None
    has_priority: bool = False
    phases: int = PHASES
    most_phases: int = PHASES
    switches: bool = False


class Profiles:
    """The profiles a charger keeps."""

    def __init__(self) -> None:
        self._kept: dict[int, Profile] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, profile: Profile) -> None:
        """Keep it, in place of those it overlaps and of the one with its number."""
        self._kept = {number: it for number, it in self._kept.items() if not it.overlaps(profile)}
        self._kept[profile.profile_id] = profile

    def rival(self, profile: Profile) -> Profile | None:
        """Another that claims the same place."""
        others = (it for it in self._kept.values() if it.profile_id != profile.profile_id)
        return next((it for it in others if it.overlaps(profile)), None)

    def find(
        self,
        ids: list[int] | None = None,
        evse: int | None = None,
        purpose: str | None = None,
        stack_level: int | None = None,
    ) -> list[Profile]:
        """Those that fit all that is asked."""
        return [
            it
            for it in self._kept.values()
            if (ids is None or it.profile_id in ids)
            and evse in (None, it.evse)
            and purpose in (None, it.purpose)
            and stack_level in (None, it.stack_level)
        ]

    def remove(self, gone: list[Profile]) -> None:
        """Forget them."""
        for profile in gone:
            self._kept.pop(profile.profile_id, None)

    def clear(self) -> None:
        """Forget all of them."""
        self._kept.clear()

    def ended(self, transaction: str) -> None:
        """A transaction's own profiles end with it."""
        self.remove([it for it in self._kept.values() if it.transaction == transaction])

    def offered_w(self, evse: int, at: datetime, charge: Charge, sharing: int = 1) -> float:
        """What a connector may give, when so many share the station."""
        station_w = self._prevailing(_STATION, 0, at, charge)
        limits = [self._own_w(evse, at, charge), None if station_w is None else station_w / max(sharing, 1)]
        return min([OFFERED_W * charge.phases / PHASES, *(it for it in limits if it is not None)])

    def phases(self, evse: int, at: datetime, charge: Charge) -> int:
        """By how many phases a car there may charge, if its charger can switch."""
        found = [self._ruling((it,), evse, at, charge) for it in _own(charge)]
        own = next((it for it in found if it is not None), None)
        station = self._ruling(_STATION, 0, at, charge)
        said = [it.phases(at, charge.since) for it in (own, station) if it is not None]
        return min([PHASES, *(it for it in said if it is not None)])

    def station_w(self, at: datetime, connectors: int) -> float:
        """What the whole station may give."""
        limit_w = self._prevailing(_STATION, 0, at, Charge())
        return min(it for it in (limit_w, OFFERED_W * connectors) if it is not None)

    def composite(
        self, evse: int, at: datetime, duration_s: int, unit: str, charge: Charge, connectors: int
    ) -> list[Payload]:
        """The schedule periods that follow from all profiles, from now on; `evse` 0 for the whole station."""
        until = at + timedelta(seconds=duration_s)
        charge = replace(charge, since=charge.since or at, phases=charge.most_phases)
        turns = {turn for it in self._kept.values() for turn in it.turns(at, until, charge.since)}
        periods: list[Payload] = []
        for turn in sorted({at, *(it for it in turns if at < it < until)}):
            phases = self.phases(evse, turn, charge) if evse and charge.switches else PHASES
            then = replace(charge, phases=min(charge.phases, phases))
            limit_w = self.offered_w(evse, turn, then) if evse else self.station_w(turn, connectors)
            said = {"limit": round(limit_w if unit == "W" else limit_w / (VOLTAGE_V * then.phases), 1)}
            if evse and charge.switches:
                said["numberPhases"] = phases
            start_s = round((turn - at).total_seconds())
            if periods and periods[-1]["startPeriod"] == start_s:
                periods.pop()
            if not periods or periods[-1] != {"startPeriod": periods[-1]["startPeriod"], **said}:
                periods.append({"startPeriod": start_s, **said})
        return periods

    def _own_w(self, evse: int, at: datetime, charge: Charge) -> float | None:
        found = (self._prevailing((purpose,), evse, at, charge) for purpose in _own(charge))
        return next((it for it in found if it is not None), None)

    def _ruling(self, purposes: tuple[str, ...], evse: int, at: datetime, charge: Charge) -> Profile | None:
        """The profile that says how much, of those purposes."""
        fitting = [it for it in self._kept.values() if it.purpose in purposes and _is_for(it, evse, charge)]
        fitting = [it for it in fitting if it.limit_w(at, charge.since, charge.phases) is not None]
        return max(fitting, key=lambda it: (it.evse, it.stack_level), default=None)

    def _prevailing(self, purposes: tuple[str, ...], evse: int, at: datetime, charge: Charge) -> float | None:
        limits_w = []
        for purpose in purposes:
            fitting = [it for it in self._kept.values() if it.purpose == purpose and _is_for(it, evse, charge)]
            # A default for one connector stands before one for all (OCPP 1.6 §3.13.1).
            fitting.sort(key=lambda it: (it.evse, it.stack_level), reverse=True)
            said = (it.limit_w(at, charge.since, charge.phases) for it in fitting)
            limits_w.append(next((it for it in said if it is not None), None))
        return min((it for it in limits_w if it is not None), default=None)


def _is_for(profile: Profile, evse: int, charge: Charge) -> bool:
    return profile.evse in (0, evse) and profile.transaction in (None, charge.transaction)


def _own(charge: Charge) -> tuple[str, ...]:
    """The purposes of a charge's own profiles, the first of them before the others."""
    return (*(("PriorityCharging",) if charge.has_priority else ()), "TxProfile", "TxDefaultProfile")
