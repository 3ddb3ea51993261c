"""One value has one text, and the text gives the value back."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.dynamo import decode, encode
from chalicelib.domain.chargers.events import ConnectorId, StopReason
from chalicelib.domain.charging.refunds import Refund, RefundStatus
from chalicelib.domain.charging.session import Hold, Origin, Payment, Reason, Session, State
from chalicelib.domain.money.receipt import Receipt
from chalicelib.domain.pricing.bill import Bill, Dimension, Line
from chalicelib.domain.pricing.tariff import Day, Element, PriceComponent, Priced, PriceLimit, Restrictions, Tariff
from chalicelib.domain.pricing.tax import Tax
from chalicelib.records.chargers import SentCall, Site
from tests.adapters.conftest import a_session
from tests.handlers.money.test_receipts import RECEIPT

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
WHOLE = st.integers(-(2**62), 2**62)
PRICE = st.decimals(0, 10**6, allow_nan=False, allow_infinity=False)
TIME = st.datetimes(timezones=st.just(UTC))
RESTRICTIONS = st.builds(
    Restrictions,
    start_time=st.none() | st.times(),
    end_date=st.none() | st.dates(),
    min_energy_wh=st.none() | WHOLE,
    day_of_week=st.frozensets(st.sampled_from(Day)),
)
COMPONENTS = st.builds(
    PriceComponent, type=st.just(Priced.ENERGY), price=PRICE, vat=st.none() | PRICE, step_size=st.integers(1, 2**40)
)
ELEMENTS = st.builds(Element, st.tuples(COMPONENTS), RESTRICTIONS)
TARIFFS = st.builds(
    Tariff,
    tariff_id=TEXT,
    operator_id=TEXT,
    name=TEXT,
    currency=TEXT,
    elements=st.lists(ELEMENTS, min_size=1, max_size=2).map(tuple),
    min_price=st.none() | st.builds(PriceLimit, PRICE, st.none() | PRICE),
    hold_minor=st.integers(1, 2**40),
)
LINES = st.builds(
    Line,
    dimension=st.sampled_from(Dimension),
    quantity=WHOLE,
    unit_price=PRICE,
    amount_minor=WHOLE,
    tax_percent=st.none() | PRICE,
)
TAXES = st.builds(Tax, PRICE, WHOLE, WHOLE)
BILLS = st.builds(
    Bill,
    currency=TEXT,
    lines=st.lists(LINES, max_size=3).map(tuple),
    net_minor=WHOLE,
    tax_minor=WHOLE,
    total_minor=WHOLE,
    taxes=st.lists(TAXES, max_size=2).map(tuple),
)
SESSIONS = st.builds(
    Session,
    session_id=TEXT,
    operator_id=TEXT,
    site_id=TEXT,
    charger_id=TEXT,
    connector=st.builds(ConnectorId, st.integers(0, 99), st.integers(0, 9)),
    origin=st.sampled_from(Origin),
    token=TEXT,
    driver_id=st.none() | TEXT,
    tariff=TARIFFS,
    created_at=TIME,
    state=st.sampled_from(State),
    reason=st.none() | st.sampled_from(Reason),
    ref=st.none() | TEXT,
    started_at=st.none() | TIME,
    meter_start_wh=st.none() | WHOLE,
    stop_requested_at=st.none() | TIME,
    stopped_at=st.none() | TIME,
    meter_stop_wh=st.none() | WHOLE,
    stop_reason=st.none() | st.sampled_from(StopReason),
    hold=st.none() | st.builds(Hold, TEXT, WHOLE, TEXT),
    bill=st.none() | BILLS,
    payment=st.none() | st.builds(Payment, WHOLE, TIME),
    ended_at=st.none() | TIME,
)


@given(SESSIONS)
def test_a_session_comes_back_as_it_was(session: Session) -> None:
    assert decode(Session, encode(session)) == session


@given(SESSIONS)
def test_a_session_read_and_written_again_is_the_same_text(session: Session) -> None:
    text = encode(session)

    assert encode(decode(Session, text)) == text


def test_exact_prices_are_text_and_never_binary_fractions() -> None:
    tariff = json.loads(encode(a_session()))["tariff"]

    assert [it["price"] for it in tariff["elements"][0]["price_components"]] == ["0.49", "3.000"]


def test_times_are_iso_8601_in_utc_to_the_microsecond() -> None:
    created_at = datetime(2026, 11, 21, 9, 30, 0, 120000, tzinfo=UTC)

    assert json.loads(encode(a_session(created_at=created_at)))["created_at"] == "2026-11-21T09:30:00.120000Z"


def test_a_time_told_in_another_zone_is_the_same_instant_again() -> None:
    berlin = datetime(2026, 11, 21, 10, 30, tzinfo=timezone(timedelta(hours=1)))
    session = a_session(started_at=berlin)

    assert decode(Session, encode(session)).started_at == datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def test_text_written_before_a_field_existed_takes_its_default() -> None:
    old = json.loads(encode(a_session()))
    del old["payment"], old["tariff"]["min_price"]

    session = decode(Session, json.dumps(old))

    assert session.payment is None
    assert session.tariff.min_price is None


def test_places_on_earth_come_back_exactly() -> None:
    site = Site(
        site_id="s",
        operator_id="op-1",
        name="Kerb",
        address="1 Street",
        time_zone="Europe/Berlin",
        tariff_id="t",
        latitude=52.520006599999,
        longitude=-0.1,
    )

    assert decode(Site, encode(site)) == site


@pytest.mark.parametrize("text", ["", "[]", '{"charger_id": 1}', "nonsense"])
def test_other_text_is_refused_as_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="SentCall"):
        decode(SentCall, text)


def test_a_sessions_refunds_come_back_and_one_without_any_is_read_as_ever() -> None:
    refund = Refund(
        payment_id="pi_1",
        key="a/b",
        amount_minor=119,
        at=datetime(2026, 11, 21, tzinfo=UTC),
        status=RefundStatus.DONE,
        number=1,
        taxes=(Tax(Decimal("5.5"), 100, 19),),
    )
    session = replace(a_session(), refunds=(refund,))
    assert decode(Session, encode(session)) == session
    old = json.loads(encode(session))
    del old["refunds"]
    assert decode(Session, json.dumps(old)).refunds == ()


def test_a_receipt_that_names_no_language_was_issued_in_english() -> None:
    old = json.loads(encode(RECEIPT))
    del old["language"], old["supplier"]["language"]
    assert decode(Receipt, json.dumps(old)) == RECEIPT


_THREADS_AT_ONCE = """
import sys, threading
from dataclasses import make_dataclass
from chalicelib.adapters.dynamo import decode

sys.setswitchinterval(1e-6)
names = [f"f{number}" for number in range(12)]
text = "{" + ",".join(f'"{name}": {{"x": 1}}' for name in names) + "}"
for _ in range(60):
    whole = make_dataclass("Whole", [(name, make_dataclass("Part", [("x", int)])) for name in names])
    together = threading.Barrier(4)
    threads = [threading.Thread(target=lambda: (together.wait(), decode(whole, text))) for _ in range(4)]
    for it in threads: it.start()
    for it in threads: it.join()
"""


def test_threads_that_read_a_class_for_the_first_time_together_all_live() -> None:
    """msgspec notes a class before it knows its fields: without our lock the process dies of a segmentation fault."""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", _THREADS_AT_ONCE], cwd=root, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
