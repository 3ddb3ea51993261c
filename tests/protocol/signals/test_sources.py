"""The other sources: their units, their own oddities, and what of an answer is none."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.grid.signals import Series, Signal, SignalRow
from chalicelib.protocol.signals.carbon_intensity import CARBON_INTENSITY, intensities
from chalicelib.protocol.signals.electricity_maps import ELECTRICITY_MAPS
from chalicelib.protocol.signals.forecast_solar import FORECAST_SOLAR, powers
from chalicelib.protocol.signals.nordpool import NORDPOOL
from chalicelib.protocol.signals.octopus import OCTOPUS, rates
from chalicelib.protocol.signals.price_list import price_list
from chalicelib.protocol.signals.source import Question, SignalRequest, Source, UnreadableSignal
from chalicelib.protocol.signals.watttime import WATTTIME, marginal

AT = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
HALF, HOUR, DAY = timedelta(minutes=30), timedelta(hours=1), timedelta(days=1)


def body(told: Any) -> bytes:
    return json.dumps(told).encode()


def question(zone: str, **more: Any) -> Question:
    usual: dict[str, Any] = {"zone": zone, "begins_at": AT, "ends_at": AT + DAY}
    return Question(**usual | more)


def talk(source: Source, asked: Question, answers: Iterable[bytes]) -> tuple[Signal, list[SignalRequest]]:
    """What is told by these answers, and what was asked for each."""
    conversation = source.ask(asked)
    asks = [next(conversation)]
    try:
        for it in answers:
            asks.append(conversation.send(it))
    except StopIteration as over:
        return over.value, asks
    raise AssertionError(f"it asks for more: {asks[-1].path}")


def rate(begins: datetime, ends: datetime | None, pence: float, **more: Any) -> dict[str, Any]:
    told = {"value_exc_vat": pence, "valid_from": begins.isoformat(), "valid_to": ends and ends.isoformat()}
    return told | {"value_inc_vat": pence * 1.05, "payment_method": None} | more


def test_octopus_tells_pence_before_tax_newest_first() -> None:
    told = [rate(AT + HALF, AT + HOUR, -2.8571), rate(AT, AT + HALF, 13.4286)]
    signal, asks = talk(OCTOPUS, question("AGILE-24-10-01/C"), [body({"next": None, "results": told})])
    assert signal.series(SignalRow.PRICE).row(AT, 9) == (134_286,) * 2 + (-28_571,) * 2
    assert signal.currency == "GBP"
    assert asks[0].path == "/v1/products/AGILE-24-10-01/electricity-tariffs/E-1R-AGILE-24-10-01-C/standard-unit-rates/"


def test_octopus_rate_without_an_end_holds_as_long_as_was_asked_and_no_other_way_of_paying_counts() -> None:
    told = [
        rate(AT - 9 * DAY, None, 20, payment_method="DIRECT_DEBIT"),
        rate(AT - 9 * DAY, None, 25, payment_method="NON_DIRECT_DEBIT"),
    ]
    row = rates(body({"results": told}), question("VAR-22-11-01/A")).series(SignalRow.PRICE).row(AT, 200)
    assert row == (200_000,) * 96


def test_nord_pool_tells_a_day_of_the_market_at_a_time_and_nothing_of_one_not_yet_published() -> None:
    def day(begins: datetime) -> bytes:
        entry = {"deliveryStart": begins.isoformat(), "deliveryEnd": (begins + DAY).isoformat()}
        hole = {"deliveryStart": AT.isoformat(), "deliveryEnd": AT.isoformat(), "entryPerArea": {}}
        return body({"currency": "SEK", "multiAreaEntries": [{**entry, "entryPerArea": {"SE3": 512.5}}, hole]})

    midnight = datetime(2026, 11, 29, 23, tzinfo=UTC)
    signal, asks = talk(NORDPOOL, question("SE3/SEK"), [day(midnight), b""])
    assert signal.series(SignalRow.PRICE).row(midnight, 200) == (512_500,) * 96
    assert signal.currency == "SEK"
    assert [(it.query["date"], it.query["currency"]) for it in asks] == [("2026-11-30", "SEK"), ("2026-12-01", "SEK")]


def test_nord_pool_that_has_published_nothing_tells_nothing() -> None:
    with pytest.raises(UnreadableSignal, match="no day of those that were asked is published"):
        talk(NORDPOOL, question("SE3"), [b"", b""])


def half(place: int, **intensity: Any) -> dict[str, Any]:
    begins = AT + place * HALF
    return {"from": f"{begins:%Y-%m-%dT%H:%MZ}", "to": f"{begins + HALF:%Y-%m-%dT%H:%MZ}", "intensity": intensity}


def test_what_was_measured_nationally_counts_before_what_was_forecast() -> None:
    told = [half(0, forecast=266, actual=263, index="moderate"), half(1, forecast=270, actual=None)]
    signal, asks = talk(CARBON_INTENSITY, question("GB"), [body({"data": told})])
    assert signal.series(SignalRow.CARBON).row(AT, 4) == (263, 263, 270, 270)
    assert signal.series(SignalRow.RENEWABLE).values == {}
    assert asks[0].path == "/intensity/2026-11-30T12:00Z/2026-12-01T12:00Z"


def test_a_region_tells_its_mix() -> None:
    mix = [{"fuel": "wind", "perc": 6.8}, {"fuel": "biomass", "perc": 4.2}, {"fuel": "gas", "perc": 89}]
    told = {"regionid": 3, "data": [{**half(0, forecast=266), "generationmix": mix}]}
    signal, asks = talk(CARBON_INTENSITY, question("3"), [body({"data": told})])
    assert signal.series(SignalRow.RENEWABLE).row(AT, 2) == (110, 110)
    assert asks[0].path.endswith("/regionid/3")
    assert not CARBON_INTENSITY.is_zone("18")


def test_electricity_maps_hours_are_grams_and_a_past_hour_counts_as_it_was() -> None:
    def hours(name: str, field: str, *values: float | None) -> bytes:
        return body(
            {name: [{"datetime": f"{AT + it * HOUR:%Y-%m-%dT%H:00:00.000Z}", field: v} for it, v in enumerate(values)]}
        )

    signal, asks = talk(
        ELECTRICITY_MAPS,
        question("DE", key="secret"),
        [
            hours("history", "carbonIntensity", 322),
            hours("forecast", "carbonIntensity", 400, 326, None, 300),
            hours("data", "value", 62.25),
            hours("data", "value", 60, 61.5),
        ],
    )
    assert signal.series(SignalRow.CARBON).row(AT, 99) == (322,) * 4 + (326,) * 4
    assert signal.series(SignalRow.RENEWABLE).row(AT, 99) == (622,) * 4 + (615,) * 4
    assert {it.headers["auth-token"] for it in asks} == {"secret"}


def moers(*pounds: float, **meta: Any) -> bytes:
    told = [
        {"point_time": (AT + it * timedelta(minutes=5)).isoformat(), "value": value} for it, value in enumerate(pounds)
    ]
    usual = {"units": "lbs_co2_per_mwh", "signal_type": "co2_moer", "data_point_period_seconds": 300}
    return body({"data": told, "meta": usual | meta})


def test_watttimes_pounds_for_a_mwh_become_grams_for_a_kwh_that_no_receipt_knows() -> None:
    login = body({"token": "abc"})
    signal, asks = talk(WATTTIME, question("CAISO_NORTH", key="me:pw"), [login, moers(900, 900, 903, 100)])
    # 901 lb on the mean: 408.7 g.
    assert signal.rows.keys() == {SignalRow.MARGINAL}
    assert signal.series(SignalRow.MARGINAL).row(AT, 9) == (409,)
    assert [it.headers["Authorization"] for it in asks] == ["Basic bWU6cHc=", "Bearer abc"]


@pytest.mark.parametrize("meta", [{"units": "g_per_kwh"}, {"signal_type": "co2_aoer"}])
def test_watttime_in_other_units_or_of_another_signal_is_refused(meta: Mapping[str, Any]) -> None:
    with pytest.raises(UnreadableSignal, match="no co2_moer in lbs_co2_per_mwh"):
        marginal(moers(1, 1, 1, **meta))


def test_a_token_that_is_no_headers_text_is_not_sent_back() -> None:
    with pytest.raises(UnreadableSignal, match="no token"):
        talk(WATTTIME, question("CAISO_NORTH", key="a:b"), [body({"token": "x\r\nHost: y"})])


def suns(told: Mapping[datetime, int]) -> bytes:
    return body({"result": {"watt_hours_period": {it.isoformat(): wh for it, wh in told.items()}}})


def test_the_suns_amounts_are_of_the_time_before_them_and_nights_give_nothing() -> None:
    dawn = datetime(2026, 11, 30, 7, 20, tzinfo=UTC)
    told = {dawn: 0, dawn + 40 * timedelta(minutes=1): 40, dawn + 100 * timedelta(minutes=1): 200, dawn + DAY: 0}
    row = powers(suns(told)).series(SignalRow.SOLAR).row(datetime(2026, 11, 30, 7, 0, tzinfo=UTC), 200)
    # From 7:20 on 60 W, from 8:00 on 200 W, until 9:00; then none until the next dawn and behind it.
    assert row[:8] == (0, 40, 60, 60, 200, 200, 200, 200)
    assert set(row[8:]) == {0}
    assert len(row) > 100
    assert FORECAST_SOLAR.is_zone("53.5,-10.0,30,-90")


def test_the_suns_key_is_a_part_of_its_path() -> None:
    asked = [next(FORECAST_SOLAR.ask(question("53.5,10.0,30,0", key=key))).path for key in ("", "k")]
    assert asked == ["/estimate/53.5/10.0/30/0/1", "/k/estimate/53.5/10.0/30/0/1"]


WRONG: Mapping[str, tuple[Any, bytes, str]] = {
    "no JSON": (intensities, b"<html>", "no JSON"),
    "no object": (intensities, b"[]", "the answer is no object"),
    "NaN": (intensities, b'{"data": NaN}', "no JSON"),
    "brackets without end": (intensities, b"[" * 100_000, "no JSON"),
    "no list": (intensities, b'{"data": 5}', "data is no list"),
    "no data": (intensities, b'{"error": {"code": "400 Bad Request"}}', "there is no data"),
    "a list of texts": (intensities, b'{"data": ["x"]}', "an item of data is no object"),
    "nothing measured": (intensities, body({"data": [half(0, forecast=None)]}), "no intensity"),
    "below nothing": (intensities, body({"data": [half(0, forecast=-1)]}), "an intensity: -1 is below nothing"),
    "too much": (intensities, body({"data": [half(0, forecast=10**30)]}), "cannot be"),
    "a yes": (intensities, body({"data": [half(0, forecast=True)]}), "an intensity: True is no number"),
    "the same time twice": (intensities, body({"data": [half(0, forecast=1), half(0, forecast=2)]}), "two values for"),
    "no time": (powers, body({"result": {"watt_hours_period": {"noon": 1}}}), "a time: 'noon' is no time"),
    "no offset": (powers, body({"result": {"watt_hours_period": {"2026-11-30 07:00:00": 1}}}), "says no offset"),
    "no sun": (powers, body({"result": {"watt_hours_period": {}}}), "no amount"),
    "several pages": (
        lambda it: rates(it, question("X-1/A")),
        body({"next": "https://x", "results": []}),
        "a list of several pages",
    ),
    "no rates": (lambda it: rates(it, question("X-1/A")), body({"results": []}), "no rate for the time"),
}


@pytest.mark.parametrize(("read", "told", "why"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named(read: Any, told: bytes, why: str) -> None:
    with pytest.raises(UnreadableSignal) as error:
        read(told)
    assert why in str(error.value)


def csv(*lines: str) -> Series:
    return price_list("\n".join(("begins_at,price", *lines)))


def test_an_uploaded_price_holds_until_the_next_and_the_last_as_long_as_the_one_before() -> None:
    told = csv("2026-11-30T13:00+01:00,0.25", "2026-11-30T14:00+01:00,-0.000001", "2026-11-30T14:30+01:00,0.3")
    assert told.row(AT, 99) == (250_000,) * 4 + (-1,) * 2 + (300_000,) * 2


def test_an_empty_price_ends_the_one_before() -> None:
    assert csv("2026-11-30T12:00Z,1", "2026-11-30T12:15Z,", "2026-11-30T12:30Z,2").row(AT, 9) == (1_000_000,)


def test_where_semicolons_part_columns_a_comma_parts_fractions() -> None:
    told = price_list("\ufeffbegins_at;price\r\n2026-11-30T12:00Z;0,25\r\n2026-11-30T12:15Z;0.5\r\n")
    assert told.row(AT, 9) == (250_000, 500_000)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "line 1: the columns are begins_at and price"),
        ("time,price\n1,2\n3,4", "line 1: the columns are begins_at and price"),
        ("begins_at,price\n2026-11-30T12:00Z,1", "two prices at the least"),
        ("begins_at,price\n2026-11-30T12:00Z,1\n2026-11-30T12:15Z,1,2", "line 3: 3 columns, and not 2"),
        ("begins_at,price\n2026-11-30T12:00,1\n2026-11-30T12:15Z,1", "line 2, begins_at: '2026-11-30T12:00' says no"),
        ("begins_at,price\n2026-11-30T12:00Z,1\n2026-11-30T12:10Z,1", "line 3: 2026-11-30T12:10Z begins no quarter"),
        ("begins_at,price\n2026-11-30T12:00Z,1\n2026-11-30T12:00Z,2", "line 3: 2026-11-30T12:00Z does not come after"),
        ("begins_at,price\n2026-11-30T12:00Z,1\n2026-11-30T12:15Z,dear", "line 3, price: 'dear' is no number"),
        ("begins_at,price\n2026-11-30T12:00Z,1\n2027-11-30T12:15Z,1", "more than 62 days"),
    ],
)
def test_what_is_wrong_in_an_upload_is_named_with_its_line(text: str, why: str) -> None:
    with pytest.raises(UnreadableSignal) as error:
        price_list(text)
    assert why in str(error.value)
