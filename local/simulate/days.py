"""Who comes when and wants how much: made up by a seed, or replayed from ACN-Data's JSON or a CSV file."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from chalicelib.domain.grid.tree import Port, PortId, SiteTree

LEAST_STAY = timedelta(minutes=15)


class Unreadable(Exception):
    """A file that is no list of charging requests; the message says where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A car that comes: what its driver says (`asked_wh`, `declared_at`), and what is known to nobody.

    `most_ma` and `phases`: what its charger of its own can take; `capacity_wh` and `charge` (0 to 1): its battery as
    it comes, which takes less above four fifths.
    """

    session_id: str
    port_id: PortId
    arrives_at: datetime
    departs_at: datetime
    declared_at: datetime
    asked_wh: int
    most_ma: int
    phases: int
    capacity_wh: int
    charge: float


def generate(
    tree: SiteTree, first_day: datetime, *, days: int = 1, cars: float = 60.0, seed: int = 1, liars_h: float = 0.0
) -> list[Request]:
    """So many cars a day as at a workplace: most come in the morning for a working day, some at noon and after work.

    Drivers misjudge when they leave by `liars_h` (standard deviation, hours). Who finds no port free drives on.
    """
    chance = random.Random(seed)
    free_from = {port.port_id: first_day for port in tree.ports}
    found: list[Request] = []
    for day in range(days):
        people = sorted(_person(chance) for _ in range(_count(chance, cars)))
        for hour, stay_h, kwh in people:
            arrives_at = first_day + timedelta(days=day, hours=hour)
            ports = [it for it in tree.ports if free_from[it.port_id] <= arrives_at]
            if not ports:
                continue
            port = chance.choice(ports)
            departs_at = arrives_at + timedelta(hours=stay_h)
            free_from[port.port_id] = departs_at + timedelta(minutes=5)
            declared_at = departs_at + timedelta(hours=chance.gauss(0, 1) * liars_h)
            found.append(
                _request(
                    chance,
                    port,
                    session_id=f"s{len(found):04}",
                    arrives_at=arrives_at,
                    departs_at=departs_at,
                    declared_at=max(declared_at, arrives_at + LEAST_STAY),
                    asked_wh=round(kwh * 1000),
                )
            )
    return found


def replay(tree: SiteTree, path: Path, seed: int = 1) -> list[Request]:
    """The requests of a file: ACN-Data's JSON (`_items`), or CSV with `arrival`, `departure`, `kwh` and what it has of
    `declared`, `port`, `max_a`, `phases`.

    Times are ISO 8601 (in JSON also as ACN-Data writes them), without an offset: UTC. A port that the site does not
    have, or none, is one that is free; who finds none drives on. What a file does not say of a car is made by `seed`.
    """
    rows = [*_json(path)] if path.suffix == ".json" else [*_csv(path)]
    chance = random.Random(seed)
    free_from: dict[PortId, datetime] = {}
    wired = {str(it.port_id): it for it in tree.ports} | {it.port_id.charger_id: it for it in tree.ports}
    found: list[Request] = []
    for row in sorted(rows, key=lambda it: (it["arrives_at"], it["session_id"])):
        arrives_at = row["arrives_at"]
        named = wired.get(row["port"])
        free = [it for it in tree.ports if free_from.get(it.port_id, arrives_at) <= arrives_at]
        port = named if named in free else chance.choice(free) if free else None
        if port is None:
            continue
        free_from[port.port_id] = row["departs_at"]
        found.append(_request(chance, port, **{name: it for name, it in row.items() if name != "port"}))
    return found


def write(requests: Iterable[Request], path: Path) -> None:
    """As CSV that `replay` reads."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("session", "arrival", "departure", "declared", "kwh", "port", "max_a", "phases"))
        for it in requests:
            times = (it.arrives_at.isoformat(), it.departs_at.isoformat(), it.declared_at.isoformat())
            rows.writerow((it.session_id, *times, it.asked_wh / 1000, it.port_id, it.most_ma / 1000, it.phases))


def _person(chance: random.Random) -> tuple[float, float, float]:
    """When one comes, for how many hours, for how many kWh."""
    kind = chance.random()
    if kind < 0.68:
        hour, stay_h = chance.gauss(8.6, 1.1), chance.gauss(7.4, 1.9)
    elif kind < 0.82:
        hour, stay_h = chance.gauss(12.6, 1.6), chance.gammavariate(3, 1.0)
    else:
        hour, stay_h = chance.gauss(17.2, 1.5), chance.gammavariate(3, 1.4)
    return min(max(hour, 4.0), 22.0), max(stay_h, 0.75), chance.gammavariate(1.9, 14 / 1.9)


def _count(chance: random.Random, mean: float) -> int:
    """About so many, as they come independently of one another."""
    return max(1, round(chance.gauss(mean, mean**0.5)))


def _request(
    chance: random.Random,
    port: Port,
    *,
    arrives_at: datetime,
    departs_at: datetime,
    asked_wh: int,
    most_ma: int | None = None,
    phases: int | None = None,
    **said: Any,
) -> Request:
    kind = chance.random()
    phases = phases or (1 if port.is_line_to_line or kind < 0.3 else 3)
    most_ma = min(port.most_ma, most_ma or (16_000 if chance.random() < (0.8 if phases == 3 else 0.2) else 32_000))
    loads = 1 if port.is_line_to_line else min(phases, len(port.phases))
    hours = (departs_at - arrives_at) / timedelta(hours=1)
    # Nobody asks for what their own car could not take while it stands there.
    asked_wh = round(min(asked_wh, 0.92 * hours * most_ma * port.voltage_v * loads / 1000))
    capacity_wh = round(max(20_000 if most_ma < 20_000 else 58_000, 1.3 * asked_wh))
    full = chance.uniform(0.62, 1.0)
    return Request(
        port_id=port.port_id,
        arrives_at=arrives_at,
        departs_at=departs_at,
        asked_wh=max(asked_wh, 500),
        most_ma=most_ma,
        phases=phases,
        capacity_wh=capacity_wh,
        charge=max(0.02, full - asked_wh / capacity_wh),
        **said,
    )


def _json(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        told = json.loads(path.read_text())
        items: Sequence[Mapping[str, Any]] = told["_items"] if isinstance(told, dict) else told
    except (ValueError, KeyError, OSError) as error:
        raise Unreadable(f"{path}: {error}") from error
    for number, item in enumerate(items, 1):
        try:
            said = (item.get("userInputs") or [{}])[-1]
            departs_at = _time(item["disconnectTime"])
            yield _row(
                str(item.get("sessionID", number)),
                _time(item["connectionTime"]),
                departs_at,
                declared_at=_time(said["requestedDeparture"]) if "requestedDeparture" in said else departs_at,
                kwh=float(said.get("kWhRequested") or item["kWhDelivered"]),
                port=str(item.get("spaceID") or item.get("stationID") or ""),
            )
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise Unreadable(f"{path}, item {number}: {type(error).__name__} {error}") from error


def _csv(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        rows: Iterable[Mapping[str, str]] = [*csv.DictReader(path.read_text().splitlines())]
    except OSError as error:
        raise Unreadable(f"{path}: {error}") from error
    for number, row in enumerate(rows, 2):
        try:
            departs_at = _time(row["departure"])
            yield {
                **_row(
                    row.get("session") or f"line {number}",
                    _time(row["arrival"]),
                    departs_at,
                    declared_at=_time(row["declared"]) if row.get("declared") else departs_at,
                    kwh=float(row["kwh"]),
                    port=row.get("port") or "",
                ),
                "most_ma": round(float(row["max_a"]) * 1000) if row.get("max_a") else None,
                "phases": int(row["phases"]) if row.get("phases") else None,
            }
        except (ValueError, KeyError, TypeError) as error:
            raise Unreadable(f"{path}, line {number}: {type(error).__name__} {error}") from error


def _row(
    session_id: str, arrives_at: datetime, departs_at: datetime, *, declared_at: datetime, kwh: float, port: str
) -> dict[str, Any]:
    if departs_at <= arrives_at or kwh <= 0:
        raise ValueError("it leaves before it comes, or asks for nothing")
    return {
        "session_id": session_id,
        "arrives_at": arrives_at,
        "departs_at": departs_at,
        "declared_at": max(declared_at, arrives_at + LEAST_STAY),
        "asked_wh": round(kwh * 1000),
        "port": port,
    }


def _time(text: str) -> datetime:
    """ISO 8601, or as in an e-mail's header, which is how ACN-Data writes it."""
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        told = parsedate_to_datetime(text)
    return told if told.tzinfo else told.replace(tzinfo=UTC)
