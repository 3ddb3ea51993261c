"""Publishers of prices, carbon and sun on this machine: the true ones' shapes, and days that are made up.

Each stands under its own name in the path. By the app's clock today's prices are known, and tomorrow's from a quarter
to one on; at the days when the clocks change there are 92 and 100 quarters, and at noon prices are negative.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from chalicelib.protocol.signals.sources import SOURCES
from local.clock import Clock

HOST = "127.0.0.1"
KEY = "local-key"
_MARKET = ZoneInfo("Europe/Brussels")
_PUBLISHED = time(12, 45)
_QUARTER, _HALF, _HOUR, _DAY = timedelta(minutes=15), timedelta(minutes=30), timedelta(hours=1), timedelta(days=1)
# EUR for a MWh by the hour; the same within it, so that three points of four are not told.
_PRICES = (70, 65, 60, 58, 60, 75, 110, 140, 120, 60, 10, -20, -35, -20, 0, 20, 60, 120, 180, 170, 130, 110, 95, 80)
_XML = "urn:iec62325.351:tc57wg16:451-3:publicationdocument:7:3"
_ACKNOWLEDGED = "urn:iec62325.351:tc57wg16:451-1:acknowledgementdocument:7:0"
Answer = tuple[int, str]
Query = Mapping[str, str]


class SignalFault(StrEnum):
    """What a publisher can do wrong."""

    DOWN = "down"
    BUSY = "busy"
    GARBAGE = "garbage"
    EMPTY = "empty"
    ENDLESS = "endless"
    ELSEWHERE = "elsewhere"
    LATE = "late"


def price(at: datetime) -> int:
    """EUR for a MWh at a moment."""
    here = at.astimezone(_MARKET)
    return _PRICES[here.hour] + here.toordinal() % 7


def carbon_g(at: datetime) -> int:
    """Grams for a kWh at a moment: what is cheap is clean."""
    return 300 + price(at)


def solar_w(at: datetime) -> int:
    """What a kilowatt of modules gives at a moment, from six to six (UTC)."""
    return max(0, 800 - 130 * abs(at.astimezone(UTC).hour - 12)) if 6 <= at.astimezone(UTC).hour < 18 else 0


class SignalServer:
    """Takes any free port when it is made, answers from `start` to `stop`; `faults` by the name of a source."""

    def __init__(self, clock: Clock | Callable[[], datetime]) -> None:
        self._clock = clock
        self.faults: dict[str, SignalFault] = {}
        self.asked: list[str] = []
        self._server = ThreadingHTTPServer((HOST, 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="signals", daemon=True)

    @property
    def settings(self) -> dict[str, str]:
        """The app's settings that lead here."""
        addresses = {name: f"http://{HOST}:{self._server.server_port}/{name}" for name in SOURCES}
        keys = dict.fromkeys(("entsoe", "electricity_maps"), KEY) | {"watttime": f"local:{KEY}"}
        return {"KERB_SIGNAL_ADDRESSES": json.dumps(addresses), "KERB_SIGNAL_KEYS": json.dumps(keys)}

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering and give the port back."""
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str, query: Query, headers: Mapping[str, str]) -> Answer:
        """Status and body of what the publisher answers that the path names first."""
        _, source, *parts = path.split("/")
        answers: dict[str, Callable[[list[str], Query, Mapping[str, str]], Answer]] = {
            "entsoe": self._entsoe,
            "octopus": self._octopus,
            "nordpool": self._nordpool,
            "carbon_intensity": self._carbon_intensity,
            "electricity_maps": self._electricity_maps,
            "watttime": self._watttime,
            "forecast_solar": self._forecast_solar,
        }
        return answers[source](parts, query, headers) if source in answers else (404, "")

    def _is_published(self, day: date, source: str) -> bool:
        if self.faults.get(source) is SignalFault.LATE:
            return day <= self._today()
        return self._clock() >= datetime.combine(day - _DAY, _PUBLISHED, _MARKET)

    def _today(self) -> date:
        return self._clock().astimezone(_MARKET).date()

    def _days(self, begins_at: datetime, ends_at: datetime, source: str) -> Iterator[tuple[datetime, datetime]]:
        """The published days of the market that a time touches, each from midnight to midnight."""
        day = begins_at.astimezone(_MARKET).date()
        while (begins := datetime.combine(day, time(), _MARKET)) < ends_at:
            if self._is_published(day, source):
                yield begins.astimezone(UTC), datetime.combine(day + _DAY, time(), _MARKET).astimezone(UTC)
            day += _DAY

    def _entsoe(self, parts: list[str], query: Query, headers: Mapping[str, str]) -> Answer:
        if query.get("securityToken") != KEY:
            return 401, "<html/>"
        begins_at, ends_at = (
            datetime.strptime(query[it], "%Y%m%d%H%M").replace(tzinfo=UTC) for it in ("periodStart", "periodEnd")
        )
        days = list(self._days(begins_at, ends_at, "entsoe"))
        if not days:
            reason = "<Reason><code>999</code><text>No matching data found</text></Reason>"
            return (
                200,
                f'<Acknowledgement_MarketDocument xmlns="{_ACKNOWLEDGED}">{reason}</Acknowledgement_MarketDocument>',
            )
        series = "".join(
            # The other auction stands first, as it may.
            _series(number, begins, ends, query["in_Domain"])
            for number in (2, 1)
            for begins, ends in days
        )
        return 200, f'<Publication_MarketDocument xmlns="{_XML}">{series}</Publication_MarketDocument>'

    def _octopus(self, parts: list[str], query: Query, headers: Mapping[str, str]) -> Answer:
        begins_at, ends_at = (datetime.fromisoformat(query[it]) for it in ("period_from", "period_to"))
        rates = [
            {
                "value_exc_vat": price(at) / 10,
                "value_inc_vat": price(at) / 10 * 1.05,
                "valid_from": _z(at),
                "valid_to": _z(at + _HALF),
                "payment_method": None,
            }
            for begins, ends in self._days(begins_at, ends_at, "octopus")
            for at in _steps(max(begins, begins_at), min(ends, ends_at), _HALF)
        ]
        return 200, json.dumps({"count": len(rates), "next": None, "previous": None, "results": rates[::-1]})

    def _nordpool(self, parts: list[str], query: Query, headers: Mapping[str, str]) -> Answer:
        day = date.fromisoformat(query["date"])
        if not self._is_published(day, "nordpool"):
            return 204, ""
        begins, ends = (datetime.combine(it, time(), _MARKET).astimezone(UTC) for it in (day, day + _DAY))
        area = query["deliveryArea"]
        entries = [
            {"deliveryStart": _z(at), "deliveryEnd": _z(at + _QUARTER), "entryPerArea": {area: price(at)}}
            for at in _steps(begins, ends, _QUARTER)
        ]
        told = {"deliveryDateCET": query["date"], "currency": query["currency"], "multiAreaEntries": entries}
        return 200, json.dumps(told)

    def _carbon_intensity(self, parts: list[str], query: Query, headers: Mapping[str, str]) -> Answer:
        is_region = parts[0] == "regional"
        begins_at, ends_at = map(datetime.fromisoformat, parts[2:4] if is_region else parts[1:3])
        told: list[dict[str, Any]] = []
        for at in _steps(begins_at, ends_at, _HALF):
            it: dict[str, Any] = {"from": _z(at), "to": _z(at + _HALF), "intensity": {"forecast": carbon_g(at)}}
            if is_region:
                it["generationmix"] = [{"fuel": "wind", "perc": 40.5}, {"fuel": "gas", "perc": 59.5}]
            else:
                it["intensity"]["actual"] = carbon_g(at) + 1 if at < self._clock() else None
            told.append(it)
        return 200, json.dumps({"data": {"regionid": int(parts[-1]), "data": told} if is_region else told})

    def _electricity_maps(self, parts: list[str], query: Query, headers: Mapping[str, str]) -> Answer:
        if headers.get("auth-token") != KEY:
            return 401, '{"error": "Invalid auth-token"}'
        _, what, part = parts
        now = self._clock().replace(minute=0, second=0, microsecond=0)
        begins, ends = (now - _DAY, now) if part == "history" else (now, now + 2 * _DAY)
        told = [
            {"datetime": _z(at), "carbonIntensity": carbon_g(at)}
            if what == "carbon-intensity"
            else {"datetime": _z(at), "value": 55.5}
            for at in _steps(begins, ends, _HOUR)
        ]
        return 200, json.dumps({"zone": query["zone"], part: told, "temporalGranularity": "hourly"})

    def _watttime(self, parts: list[str], query: Query, headers: Mapping[str, str]) -> Answer:
        if parts == ["login"]:
            return (200, '{"token": "local-token"}') if headers.get("Authorization") else (403, "")
        if headers.get("Authorization") != "Bearer local-token":
            return 401, ""
        now = self._clock().replace(minute=0, second=0, microsecond=0)
        told = [{"point_time": _z(at), "value": 900.5} for at in _steps(now, now + _DAY, timedelta(minutes=5))]
        meta = {"units": "lbs_co2_per_mwh", "signal_type": "co2_moer", "data_point_period_seconds": 300}
        return 200, json.dumps({"data": told, "meta": {"region": query["region"], **meta}})

    def _forecast_solar(self, parts: list[str], query: Query, headers: Mapping[str, str]) -> Answer:
        today = self._clock().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        told: dict[str, int] = {}
        for day in (today, today + _DAY):
            told[_z(day + 6 * _HOUR)] = 0
            told |= {_z(day + it * _HOUR): solar_w(day + (it - 1) * _HOUR) for it in range(7, 19)}
        limit = {"zone": "IP", "period": 3600, "limit": 12, "remaining": 11}
        message = {"code": 0, "type": "success", "text": "", "ratelimit": limit}
        return 200, json.dumps({"result": {"watt_hours_period": told}, "message": message})

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        signals = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = urlsplit(self.path)
                source = asked.path.split("/")[1]
                signals.asked.append(source)
                fault = signals.faults.get(source)
                if fault is SignalFault.DOWN:
                    self._send(503, "down for maintenance")
                elif fault is SignalFault.BUSY:
                    self._send(429, "", {"Retry-After": "1800"})
                elif fault is SignalFault.GARBAGE:
                    self._send(200, "<html><body>Sign in to continue")
                elif fault is SignalFault.EMPTY:
                    self._send(200, "")
                elif fault is SignalFault.ENDLESS:
                    self._send(200, " " * 5_000_000)
                elif fault is SignalFault.ELSEWHERE:
                    self._send(302, "", {"Location": f"http://{HOST}:9/"})
                else:
                    query = {name: values[0] for name, values in parse_qs(asked.query).items()}
                    self._send(*signals.answer(asked.path, query, dict(self.headers.items())))

            def _send(self, status: int, body: str, headers: Mapping[str, str] | None = None) -> None:
                self.send_response(status)
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                try:
                    self.wfile.write(body.encode())
                except OSError:
                    # Whoever asked has heard enough.
                    self.close_connection = True

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


def _series(number: int, begins: datetime, ends: datetime, domain: str) -> str:
    """A day of one auction, by curve type A03: the second's prices are others, and are not to be taken."""
    points, before = [], None
    for place, at in enumerate(_steps(begins, ends, _QUARTER), start=1):
        amount = price(at) + 1000 * (number - 1)
        if amount != before:
            points.append(f"<Point><position>{place}</position><price.amount>{amount:.2f}</price.amount></Point>")
        before = amount
    times = f"<timeInterval><start>{_z(begins)}</start><end>{_z(ends)}</end></timeInterval>"
    return (
        f"<TimeSeries><mRID>{number}</mRID><businessType>A62</businessType><in_Domain.mRID>{domain}</in_Domain.mRID>"
        "<contract_MarketAgreement.type>A01</contract_MarketAgreement.type>"
        "<currency_Unit.name>EUR</currency_Unit.name><price_Measure_Unit.name>MWH</price_Measure_Unit.name>"
        f"<classificationSequence_AttributeInstanceComponent.position>{number}"
        "</classificationSequence_AttributeInstanceComponent.position><curveType>A03</curveType>"
        f"<Period>{times}<resolution>PT15M</resolution>{''.join(points)}</Period></TimeSeries>"
    )


def _steps(begins: datetime, ends: datetime, step: timedelta) -> Iterator[datetime]:
    while begins < ends:
        yield begins
        begins += step


def _z(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")
