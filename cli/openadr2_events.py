"""What an OpenADR 2.0b event asks, as the body of a demand response event of our API; no I/O.

An event arrives as `openleadr` reads it. What says nothing that cars could do is refused by its name, so that its
utility is told no (`optOut`) and does not count on us.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

# An event without an end (a duration of 0) is asked for so long, and anew before that is over.
OPEN_END = timedelta(hours=24)
_LATEST_START_S = 3600
_WATTS = {"none": 1.0, "k": 1e3, "M": 1e6}
_LEVELS = range(4)


class NotUnderstood(ValueError):
    """An event that asks for nothing cars could do; its text says what was in it."""


def names_of(server: str) -> str:
    """What the names of all events of that server begin with."""
    return f"openadr2-{_short(server)}-"


def name_of(server: str, event_id: str) -> str:
    """By which the operator's API knows an event of that server's: the same each time, and no other's."""
    return names_of(server) + _short(event_id)


def _short(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]


def is_open(told: Mapping[str, Any]) -> bool:
    """Whether it has no end."""
    return not _seconds(told["active_period"].get("duration"))


def body_of(told: Mapping[str, Any], own_names: frozenset[str], now: datetime) -> dict[str, Any]:
    """The body of `PUT /v1/operator/demand-response/events/{event_id}`.

    `own_names`: by which the server knows us, so that what is for them is for all sites. Raises NotUnderstood.
    """
    signals = _signals(told)
    asked = [(signal, _ASKS.get(_kind(signal))) for signal in signals]
    # 2.0b sends SIMPLE beside what it really asks, for those who understand nothing else.
    understood = [(signal, ask) for signal, ask in asked if ask is not None]
    better = [it for it in understood if it[1] is not _level] or understood
    if not better:
        raise NotUnderstood(f"signals {', '.join(' '.join(_kind(it)) for it in signals) or 'of no kind'}")
    intervals = [
        {"begins_at": begins_at.isoformat(), "ends_at": ends_at.isoformat(), **ask(_payload(interval), signal)}
        for signal, ask in better
        for begins_at, ends_at, interval in _periods(signal, told["active_period"], now)
    ]
    names = sorted(_names(told.get("targets") or ()) - own_names)
    return {
        "program": str(told["event_descriptor"]["market_context"]),
        "intervals": intervals,
        "site_ids": names,
        "areas": names,
        "random_start_s": _random_start_s(told["active_period"]),
    }


def _signals(told: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    signals = told["event_signals"]
    return list(signals["event_signals"] if isinstance(signals, Mapping) else signals)


def _kind(signal: Mapping[str, Any]) -> tuple[str, str]:
    return str(signal["signal_name"]).upper(), str(signal["signal_type"])


def _payload(interval: Mapping[str, Any]) -> float:
    value = interval["signal_payload"]
    return float(value["value"] if isinstance(value, Mapping) else value)


def _periods(
    signal: Mapping[str, Any], period: Mapping[str, Any], now: datetime
) -> Iterator[tuple[datetime, datetime, Mapping[str, Any]]]:
    """Each interval with its times: where they are not said it begins as the one before it ends.

    One without an end lasts until a day from now, or from its beginning where that is later.
    """
    at: datetime = period["dtstart"]
    for interval in signal["intervals"]:
        begins_at = interval.get("dtstart") or at
        lasts_s = _seconds(interval.get("duration"))
        at = begins_at + timedelta(seconds=lasts_s) if lasts_s else max(now, begins_at) + OPEN_END
        yield begins_at, at, interval


def _seconds(duration: Any) -> int:
    return int(duration.total_seconds()) if isinstance(duration, timedelta) else 0


def _random_start_s(period: Mapping[str, Any]) -> int:
    tolerance = period.get("tolerance") or {}
    inner = tolerance.get("tolerate", tolerance) if isinstance(tolerance, Mapping) else {}
    return min(_LATEST_START_S, _seconds(inner.get("startafter")) if isinstance(inner, Mapping) else 0)


def _names(targets: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """All names it is for, of whatever kind: groups, resources, parties, VENs."""
    return frozenset(str(name) for it in targets for name in it.values() if isinstance(name, str | int))


def _level(value: float, signal: Mapping[str, Any]) -> dict[str, Any]:
    if value not in _LEVELS:
        raise NotUnderstood(f"level {value:g}, which is none of 0 to 3")
    return {"kind": "level", "level": int(value)}


def _of_capacity(value: float, signal: Mapping[str, Any]) -> dict[str, Any]:
    """A part of what can be drawn: 0 to 1, or percent where it is more than 1."""
    part = value / 100 if value > 1 else value
    if not 0 <= part <= 1:
        raise NotUnderstood(f"{value:g} of what can be drawn")
    return {"kind": "load_control", "permille": round(part * 1000)}


def _offset(value: float, signal: Mapping[str, Any]) -> dict[str, Any]:
    """Levels away from normal operation: the higher the less is taken, 10 being nothing at all; below 0 is more."""
    return {"kind": "relative", "permille": min(1000, max(0, int(value) * 100))}


def _setpoint(value: float, signal: Mapping[str, Any]) -> dict[str, Any]:
    """Power of all sites together; watts where the signal does not say of what it is a measure."""
    measures = [it for it in signal.values() if isinstance(it, Mapping) and "item_units" in it]
    scale, unit = (
        ("none", "W") if not measures else (str(measures[0].get(it)) for it in ("si_scale_code", "item_units"))
    )
    if unit != "W" or scale not in _WATTS:
        raise NotUnderstood(f"a setpoint in {scale if scale != 'none' else ''}{unit}")
    return {"kind": "setpoint", "power_w": max(0, round(value * _WATTS[scale]))}


_Ask = Callable[[float, Mapping[str, Any]], dict[str, Any]]
_ASKS: Mapping[tuple[str, str], _Ask] = {
    ("SIMPLE", "level"): _level,
    ("LOAD_CONTROL", "x-loadControlCapacity"): _of_capacity,
    ("LOAD_CONTROL", "x-loadControlLevelOffset"): _offset,
    ("LOAD_DISPATCH", "setpoint"): _setpoint,
}
