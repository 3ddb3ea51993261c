"""Every source over HTTP: what it tells at its own zone, and that nothing a publisher does harms who asks."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from chalicelib.adapters.grid.signal_sources import HttpSource, by_source
from chalicelib.domain.grid.signals import SignalKind, SignalRow
from chalicelib.protocol.signals.source import Source
from chalicelib.protocol.signals.sources import SOURCES
from chalicelib.records.grid import SignalUnavailable
from local.signals import KEY, SignalFault, SignalServer, carbon_g, price, solar_w

NOW = datetime(2026, 11, 30, 15, 10, tzinfo=UTC)
TODAY = NOW.replace(hour=0, minute=0)
DAY = timedelta(days=1)
# A zone of each, and of which rows it tells there.
ZONES = {
    "entsoe": ("10Y1001A1001A82H", {SignalRow.PRICE}),
    "octopus": ("AGILE-24-10-01/C", {SignalRow.PRICE}),
    "nordpool": ("SE3/EUR", {SignalRow.PRICE}),
    "carbon_intensity": ("13", {SignalRow.CARBON, SignalRow.RENEWABLE}),
    "electricity_maps": ("DE", {SignalRow.CARBON, SignalRow.RENEWABLE}),
    "watttime": ("CAISO_NORTH", {SignalRow.MARGINAL}),
    "forecast_solar": ("53.5,10.0,30,0", {SignalRow.SOLAR}),
}
ROWS = {
    SignalKind.PRICE: {SignalRow.PRICE},
    SignalKind.CARBON: {SignalRow.CARBON, SignalRow.RENEWABLE, SignalRow.MARGINAL},
    SignalKind.SOLAR: {SignalRow.SOLAR},
}


@pytest.fixture(scope="module")
def server() -> Iterator[SignalServer]:
    server = SignalServer(lambda: NOW)
    server.start()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def _no_fault(server: SignalServer) -> Iterator[None]:
    yield
    server.faults.clear()


def asking(server: SignalServer, name: str, key: str | None = None) -> HttpSource:
    addresses, keys = (by_source(server.settings[f"KERB_SIGNAL_{it}"]) for it in ("ADDRESSES", "KEYS"))
    return http(name, addresses[name], keys.get(name, "") if key is None else key)


def http(name: str, address: str = "http://127.0.0.1:9", key: str = "", **more: Any) -> HttpSource:
    return HttpSource(source=SOURCES[name], address=address, key=lambda: key, clock=lambda: NOW, **more)


def test_there_is_a_zone_to_try_each_source_at() -> None:
    assert ZONES.keys() == SOURCES.keys()


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_tells_the_coming_hours_of_its_zone(server: SignalServer, name: str) -> None:
    zone, rows = ZONES[name]
    source = asking(server, name)
    told = source.fetch(zone, TODAY - DAY, TODAY + 3 * DAY)
    assert told.rows.keys() & rows == rows <= ROWS[source.kind]
    for row in rows:
        known_until = told.series(row).known_until(NOW)
        assert known_until is not None
        assert known_until >= NOW + timedelta(hours=23)
    assert bool(told.currency) == (source.kind is SignalKind.PRICE)
    assert source.pace >= timedelta(minutes=15)


@pytest.mark.parametrize("name", SOURCES)
def test_no_source_takes_a_zone_that_leads_elsewhere(server: SignalServer, name: str) -> None:
    source = asking(server, name)
    for zone in ("", "../x", "a b", "x\r\nHost: y", "1?x=y", "https://x", f"{ZONES[name][0]}/../..", "é" * 16):
        assert not source.is_zone(zone)
        with pytest.raises(SignalUnavailable, match="no zone of"):
            source.fetch(zone, TODAY, TODAY + DAY)


FAULTS = {
    SignalFault.DOWN: "HTTP 503",
    SignalFault.BUSY: "HTTP 429",
    SignalFault.ELSEWHERE: "HTTP 302",
    SignalFault.GARBAGE: "no ",
    SignalFault.EMPTY: "no ",
    SignalFault.ENDLESS: "more than 4194304 bytes",
}


@pytest.mark.parametrize("name", SOURCES)
def test_whatever_a_publisher_does_who_asks_is_told_that_it_told_nothing(server: SignalServer, name: str) -> None:
    for fault, why in FAULTS.items():
        server.faults[name] = fault
        with pytest.raises(SignalUnavailable) as error:
            asking(server, name).fetch(ZONES[name][0], TODAY, TODAY + DAY)
        assert str(error.value).startswith(why), fault
        wait = timedelta(minutes=30) if fault is SignalFault.BUSY else None
        assert error.value.retry_after == wait


@pytest.mark.parametrize("name", [name for name, it in SOURCES.items() if it.needs_key])
def test_a_source_without_its_key_is_not_asked_and_a_wrong_one_is_repeated_to_nobody(
    server: SignalServer, name: str
) -> None:
    asked = len(server.asked)
    with pytest.raises(SignalUnavailable, match=f"no key of {name} is set"):
        asking(server, name, "").fetch(ZONES[name][0], TODAY, TODAY + DAY)
    assert len(server.asked) == asked
    for address in ("http://127.0.0.1:9", "http://127.0.0.1:9/%zz\x00"):
        with pytest.raises(SignalUnavailable) as error:
            http(name, address, "s3cret").fetch(ZONES[name][0], TODAY, TODAY + DAY)
        assert "s3cret" not in str(error.value)
        assert error.value.__suppress_context__


def test_a_wrong_key_is_told_as_the_publisher_tells_it(server: SignalServer) -> None:
    with pytest.raises(SignalUnavailable, match="HTTP 401"):
        asking(server, "entsoe", "wrong").fetch(ZONES["entsoe"][0], TODAY, TODAY + DAY)


def test_prices_carbon_and_sun_are_those_that_were_published(server: SignalServer) -> None:
    told = {name: asking(server, name).fetch(ZONES[name][0], TODAY, TODAY + DAY) for name in SOURCES}
    first = [NOW.replace(minute=0) + it * timedelta(minutes=15) for it in range(8)]
    for name in ("entsoe", "octopus", "nordpool"):
        unit = 10_000 / 10 if name == "octopus" else 1_000
        row = told[name].series(SignalRow.PRICE).row(first[0], 8)
        assert row == tuple(round(price(it) * unit) for it in first), name
    carbon = told["electricity_maps"].series(SignalRow.CARBON).row(first[0], 8)
    assert carbon == tuple(map(carbon_g, first))
    assert told["forecast_solar"].series(SignalRow.SOLAR).row(first[0], 8) == tuple(map(solar_w, first))


@pytest.mark.parametrize(("day", "quarters"), [((2026, 3, 29), 92), ((2026, 10, 25), 100), ((2026, 11, 30), 96)])
def test_a_day_of_the_market_has_the_quarters_of_its_clock(day: tuple[int, int, int], quarters: int) -> None:
    noon = datetime(*day, 12, tzinfo=UTC)
    server = SignalServer(lambda: noon)
    server.faults["entsoe"] = SignalFault.LATE
    server.start()
    try:
        begins, ends = noon - timedelta(hours=1), noon
        told = asking(server, "entsoe").fetch(ZONES["entsoe"][0], begins, ends)
        assert len(told.series(SignalRow.PRICE).values) == quarters
    finally:
        server.stop()


def test_one_who_dribbles_is_left_when_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.adapters.grid.signal_sources._MOST_S", 10.0)
    listener = socket.create_server(("127.0.0.1", 0))
    seconds = count(0.0, 2.0)

    def dribble() -> None:
        peer, _ = listener.accept()
        with peer:
            peer.recv(4096)
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            try:
                while True:
                    peer.sendall(b" ")
            except OSError:
                return

    threading.Thread(target=dribble, daemon=True).start()
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    source = http("octopus", address, seconds=lambda: next(seconds))
    with listener, pytest.raises(SignalUnavailable):
        source.fetch(ZONES["octopus"][0], TODAY, TODAY + DAY)
    assert next(seconds) < 30


def test_a_setting_of_signals_names_sources_and_a_secret_that_nobody_put_in_is_none() -> None:
    assert by_source("") == {}
    assert by_source(json.dumps({"entsoe": "unset", "watttime": "a:b"})) == {"watttime": "a:b"}
    for text in ("[]", '{"entsoe": 5}', "x"):
        with pytest.raises(ValueError, match=r".+"):
            by_source(text)


def test_a_key_is_sent_where_it_belongs(server: SignalServer) -> None:
    # The stand-ins answer 401 to any other.
    assert KEY in server.settings["KERB_SIGNAL_KEYS"]
    for name in ("entsoe", "electricity_maps", "watttime"):
        source: Source = SOURCES[name]
        assert source.needs_key
