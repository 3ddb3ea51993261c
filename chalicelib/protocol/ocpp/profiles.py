"""Checks charging profiles: those that no charger can follow are told from those that it can, before it is asked.

What the schema cannot say: OCPP 1.6 §3.13 and §7.8, OCPP 2.0.1 K01. Words a later version adds are let pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

_TRANSACTION = "TxProfile"
_WHOLE = ("ChargePointMaxProfile", "ChargingStationMaxProfile", "ChargingStationExternalConstraints")
_REPEATS_AFTER_S = {"Daily": 86_400, "Weekly": 604_800}


def flaw(action: str, payload: Mapping[str, Any]) -> str | None:
    """What cannot be right about the charging profile that a request carries, in words; None where nothing is wrong.

    The payload is valid by its schema.
    """
    if action == "SetChargingProfile":
        is_16 = "csChargingProfiles" in payload
        profile = payload["csChargingProfiles" if is_16 else "chargingProfile"]
        where = payload["connectorId" if is_16 else "evseId"]
        return _place(profile, where, is_16=is_16) or _schedules(profile, is_16=is_16)
    if action in ("RemoteStartTransaction", "RequestStartTransaction") and "chargingProfile" in payload:
        profile = payload["chargingProfile"]
        if profile.get("chargingProfilePurpose") != _TRANSACTION or profile.get("transactionId") is not None:
            return "a start carries a TxProfile that names no transaction yet"
        return _schedules(profile, is_16=action.startswith("Remote"))
    return None


def trespass(action: str, payload: Mapping[str, Any]) -> str | None:
    """What keeps an operator from asking for that: the numbers of load balancing's profiles; None: nothing does.

    The payload is valid by its schema.
    """
    # Only operators are asked that; each charger's socket would wait for what load balancing is made of.
    from chalicelib.domain.grid.profiles import FIRST_ID, LAST_ID, is_ours  # noqa: PLC0415

    numbers = []
    if action == "SetChargingProfile":
        numbers = [(payload.get("csChargingProfiles") or payload.get("chargingProfile") or {})]
    elif action in ("RemoteStartTransaction", "RequestStartTransaction"):
        numbers = [payload.get("chargingProfile") or {}]
    if any(is_ours(it.get("chargingProfileId", it.get("id", 0))) for it in numbers):
        return f"profiles {FIRST_ID} to {LAST_ID} are those of load balancing; choose another number"
    return None


def _place(profile: Mapping[str, Any], where: int, *, is_16: bool) -> str | None:
    purpose, ref = profile.get("chargingProfilePurpose"), profile.get("transactionId")
    is_session, is_whole = purpose == _TRANSACTION, purpose in _WHOLE
    is_relative = profile.get("chargingProfileKind") == "Relative"
    has_dates = "validFrom" in profile or "validTo" in profile
    return _first(
        (is_session and where < 1, "a profile of one transaction needs its connector"),
        (is_session and ref is None and not is_16, "a profile of one transaction needs to name it (K01.FR.03)"),
        (not is_session and ref is not None, "only a profile of one transaction can name one"),
        (is_whole and where != 0, "a profile of the whole charger has no connector"),
        (is_whole and is_relative and not is_16, "a profile of the whole charger needs to say from when it counts"),
        (is_session and has_dates and is_16, "a profile of one transaction is valid for as long as that is"),
    )


def _schedules(profile: Mapping[str, Any], *, is_16: bool) -> str | None:
    kind, repeats = profile.get("chargingProfileKind"), profile.get("recurrencyKind")
    since, until = profile.get("validFrom"), profile.get("validTo")
    wrong = _first(
        (kind == "Recurring" and repeats is None, "a profile that recurs needs to say how (recurrencyKind)"),
        (kind != "Recurring" and repeats is not None, "only a profile that recurs can say how"),
        (since is not None and until is not None and until <= since, "it ends to be valid before it begins"),
    )
    found = profile.get("chargingSchedule")
    for schedule in [found] if isinstance(found, dict) else found or ():
        wrong = wrong or _schedule(schedule, kind, _REPEATS_AFTER_S.get(repeats or ""), is_16=is_16)
    return wrong


def _schedule(schedule: Mapping[str, Any], kind: str | None, longest_s: int | None, *, is_16: bool) -> str | None:
    begins, duration_s = schedule.get("startSchedule") is not None, schedule.get("duration")
    periods = schedule.get("chargingSchedulePeriod") or ()
    starts = [it["startPeriod"] for it in periods]
    is_by_calendar = kind in ("Absolute", "Recurring")
    is_short = duration_s is not None and (duration_s <= 0 or any(it >= duration_s for it in starts))
    return _first(
        (is_by_calendar and not begins and not is_16, "a schedule by the calendar needs startSchedule"),
        (kind == "Relative" and begins, "a schedule that begins with the charge has no startSchedule"),
        (starts[:1] not in ([], [0]), "its first period must start at 0"),
        (any(later <= it for it, later in pairwise(starts)), "its periods must start one after the other"),
        (is_short, "it is over before its last period starts"),
        (longest_s is not None and (duration_s or 0) > (longest_s or 0), "it lasts longer than until it recurs"),
        (any((it.get("limit") or 0) < 0 for it in periods), "a limit cannot be below nought"),
        (any(map(_misplaces_phase, periods)), "which phase to use can be said of one phase only (K01.FR.19)"),
    )


def _misplaces_phase(period: Mapping[str, Any]) -> bool:
    return period.get("phaseToUse") is not None and period.get("numberPhases") != 1


def _first(*rules: tuple[bool, str]) -> str | None:
    return next((text for is_broken, text in rules if is_broken), None)
