"""ENTSO-E's day-ahead documents: gaps that repeat, days of 92 and 100 quarters, other auctions, and what is none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.grid.signals import SignalRow
from chalicelib.protocol.signals.entsoe import ENTSOE, prices
from chalicelib.protocol.signals.source import Question, UnreadableSignal

# Midnight to midnight in Berlin: a plain day, and those on which the clocks go forward and back.
PLAIN = datetime(2026, 11, 29, 23, tzinfo=UTC), datetime(2026, 11, 30, 23, tzinfo=UTC)
SHORT = datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC)
LONG = datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC)
_SPACE = "urn:iec62325.351:tc57wg16:451-3:publicationdocument:7:3"


def period(
    points: Mapping[int, str] | Iterable[tuple[int, str]],
    times: tuple[datetime, datetime] = PLAIN,
    resolution: str = "PT15M",
) -> str:
    told = points.items() if isinstance(points, Mapping) else points
    text = "".join(
        f"<Point><position>{place}</position><price.amount>{amount}</price.amount></Point>" for place, amount in told
    )
    begins, ends = (it.strftime("%Y-%m-%dT%H:%MZ") for it in times)
    interval = f"<timeInterval><start>{begins}</start><end>{ends}</end></timeInterval>"
    return f"<Period>{interval}<resolution>{resolution}</resolution>{text}</Period>"


def series(
    *periods: str,
    sequence: str = "",
    curve: str = "A03",
    currency: str = "EUR",
    unit: str = "MWH",
    contract: str = "A01",
) -> str:
    name = "classificationSequence_AttributeInstanceComponent.position"
    return (
        f"<TimeSeries><contract_MarketAgreement.type>{contract}</contract_MarketAgreement.type>"
        f"<currency_Unit.name>{currency}</currency_Unit.name><price_Measure_Unit.name>{unit}</price_Measure_Unit.name>"
        + (f"<{name}>{sequence}</{name}>" if sequence else "")
        + f"<curveType>{curve}</curveType>{''.join(periods)}</TimeSeries>"
    )


def document(*told: str) -> bytes:
    text = f'<Publication_MarketDocument xmlns="{_SPACE}"><type>A44</type>{"".join(told)}</Publication_MarketDocument>'
    return f'<?xml version="1.0" encoding="utf-8"?>{text}'.encode()


def row(body: bytes, begins: datetime = PLAIN[0], quarters: int = 200) -> tuple[int, ...]:
    return prices(body).series(SignalRow.PRICE).row(begins, quarters)


def test_a_position_that_is_not_told_repeats_the_one_before_to_the_periods_very_end() -> None:
    told = row(document(series(period({1: "70.5", 4: "-500.00", 90: "0.001"}))))
    assert told == (70_500,) * 3 + (-500_000,) * 86 + (1,) * 7


def test_by_curve_type_a01_nothing_is_repeated() -> None:
    assert row(document(series(period({1: "1", 2: "2", 4: "4"}), curve="A01"))) == (1_000, 2_000)


@pytest.mark.parametrize(("times", "quarters"), [(PLAIN, 96), (SHORT, 92), (LONG, 100)])
def test_a_day_has_as_many_quarters_as_its_clocks_make_it(times: tuple[datetime, datetime], quarters: int) -> None:
    told = row(document(series(period({it: str(it) for it in range(1, quarters + 1)}, times))), times[0])
    assert told == tuple(1_000 * it for it in range(1, quarters + 1))


@pytest.mark.parametrize(("times", "hours"), [(PLAIN, 24), (SHORT, 23), (LONG, 25)])
def test_an_hours_price_is_that_of_its_quarters(times: tuple[datetime, datetime], hours: int) -> None:
    told = row(document(series(period({1: "1", hours: "9"}, times, "PT60M"))), times[0])
    assert told == (1_000,) * 4 * (hours - 1) + (9_000,) * 4


def test_days_follow_each_other_as_series_or_as_periods_of_one() -> None:
    tomorrow = PLAIN[1], PLAIN[1] + timedelta(days=1)
    first, second = period({1: "1"}), period({1: "2"}, tomorrow)
    expected = (1_000,) * 96 + (2_000,) * 96
    assert row(document(series(first), series(second))) == expected
    assert row(document(series(second, first))) == expected


def test_another_auction_of_the_same_day_is_not_its_price_though_it_stands_first() -> None:
    told = document(series(period({1: "192.55"}), sequence="2"), series(period({1: "196.99"}), sequence="1"))
    assert row(told) == (196_990,) * 96
    intraday = document(series(period({1: "5"}), contract="A07"), series(period({1: "6"})))
    assert row(intraday) == (6_000,) * 96


def test_a_series_told_twice_is_told_once_and_quarters_win_over_their_hour() -> None:
    quarters, hours = period({1: "1", 2: "3"}), period({1: "2"}, resolution="PT60M")
    assert row(document(series(quarters), series(quarters), series(hours))) == (1_000,) + (3_000,) * 95


def test_before_the_first_position_nothing_is_known() -> None:
    told = prices(document(series(period({3: "5"})))).series(SignalRow.PRICE)
    assert told.row(PLAIN[0], 1) == ()
    assert len(told.row(PLAIN[0] + timedelta(minutes=30), 96)) == 94


WRONG: Mapping[str, tuple[bytes, str]] = {
    "nothing": (b"", "no XML: no element found in line 1"),
    "a page of a proxy": (b"<html><body>Sign in<br></body></html>", "no XML: mismatched tag"),
    "half of a document": (document(series(period({1: "1"})))[:300], "no XML"),
    "another document": (b"<GL_MarketDocument/>", "a GL_MarketDocument, and no Publication_MarketDocument"),
    "nothing published": (
        b'<Acknowledgement_MarketDocument xmlns="x"><Reason><code>999</code><text>No matching data found for it</text>'
        b"</Reason></Acknowledgement_MarketDocument>",
        "nothing published: No matching data found for it",
    ),
    "no series": (document(), "no price of the coupled day-ahead auction"),
    "only another auction": (document(series(period({1: "1"}), sequence="2")), "no price of the coupled"),
    "another unit": (document(series(period({1: "1"}), unit="KWH")), "prices for a KWH, and not for a MWH"),
    "two currencies": (
        document(series(period({1: "1"})), series(period({1: "1"}), currency="PLN")),
        "prices in several currencies: EUR, PLN",
    ),
    "a curve of points": (document(series(period({1: "1"}), curve="A02")), "curve type A02"),
    "a month": (document(series(period({1: "1"}, resolution="P1M"))), "resolution P1M"),
    "a position behind the end": (document(series(period({97: "1"}))), "position 97 of 96"),
    "a position of nothing": (document(series(period({0: "1"}))), "position 0 of 96"),
    "a position twice": (document(series(period([(5, "1"), (5, "2")]))), "position 5 twice"),
    "no number": (document(series(period({1: "n/a"}))), "the price of position 1: 'n/a' is no number"),
    "no finite number": (document(series(period({1: "1e999999"}))), "the price of position 1: '1e999999' cannot be"),
    "not a number": (document(series(period({1: "NaN"}))), "'NaN' cannot be"),
    "no whole steps": (
        document(series(period({1: "1"}, (PLAIN[0], PLAIN[0] + timedelta(minutes=20))))),
        "a period from 2026-11-29T23:00Z to 2026-11-29T23:20Z in steps of PT15M",
    ),
    "a period that ends before it begins": (document(series(period({1: "1"}, (PLAIN[1], PLAIN[0])))), "a period from"),
    "years": (document(series(period({1: "1"}, (PLAIN[0], PLAIN[0] + timedelta(days=800))))), "a period from"),
    "no offset": (
        document(series(period({1: "1"}).replace("23:00Z", "23:00"))),
        "a period's start: '2026-11-29T23:00' says no offset from UTC",
    ),
    "an entity that grows": (
        b'<!DOCTYPE x [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;">]><Publication_MarketDocument>&b;'
        b"</Publication_MarketDocument>",
        "a document that declares a type",
    ),
    "a file of ours": (
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><Publication_MarketDocument/>',
        "a document that declares a type",
    ),
    "elements without end": (b"<a>" * 5_000, "elements within elements without end"),
    "an unknown encoding": (b'<?xml version="1.0" encoding="x-none"?><a/>', "no XML"),
}


@pytest.mark.parametrize(("body", "why"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named(body: bytes, why: str) -> None:
    with pytest.raises(UnreadableSignal) as error:
        prices(body)
    assert why in str(error.value)


def test_a_zone_is_asked_for_by_its_code_in_utc() -> None:
    question = Question(zone="10Y1001A1001A82H", begins_at=PLAIN[0], ends_at=PLAIN[1], key="k")
    ask = next(ENTSOE.ask(question))
    assert ask.query == {
        "securityToken": "k",
        "documentType": "A44",
        "contract_MarketAgreement.type": "A01",
        "in_Domain": "10Y1001A1001A82H",
        "out_Domain": "10Y1001A1001A82H",
        "periodStart": "202611292300",
        "periodEnd": "202611302300",
    }
    assert ENTSOE.is_zone("10YNL----------L")
    assert not any(map(ENTSOE.is_zone, ("", "DE_LU", "10Y1001A1001A82H&x=y", "10Y1001A1001A82H\n")))
