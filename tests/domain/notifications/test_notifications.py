"""What a driver is told follows from what changed, and a webhook leads to the open internet or nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from chalicelib.domain.chargers.events import ConnectorId, StopReason
from chalicelib.domain.charging.alerts import bears_out, following, notification_of
from chalicelib.domain.charging.limits import Limits
from chalicelib.domain.charging.session import Charge, Origin, Reason, Session
from chalicelib.domain.charging.transitions import (
    Billed,
    Charged,
    ChargesPlanned,
    Completed,
    EnergyMeasured,
    HoldDeclined,
    PaymentFailed,
    SessionEvent,
    Started,
    StartFailed,
    Stopped,
    StopRequested,
    apply,
)
from chalicelib.domain.notifications import MOST_ATTEMPTS, NotificationKind, attempt_after, check_webhook, is_public
from chalicelib.domain.pricing.bill import Bill
from chalicelib.domain.pricing.rating import planned, price
from chalicelib.domain.pricing.tariff import Tariff, simple_elements

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
TARIFF = Tariff(
    tariff_id="standard",
    operator_id="op",
    name="Standard",
    currency="EUR",
    elements=simple_elements(per_kwh=Decimal("0.45")),
)
BILL: Bill = price(TARIFF, planned(AT, 10_000, 3600), "UTC")
SESSION = Session(
    session_id="KAAAAAAAAAAAAAAAAAAA",
    operator_id="op",
    site_id="harbour",
    charger_id="CP-1",
    connector=ConnectorId(1),
    origin=Origin.APP,
    token="KAAAAAAAAAAAAAAAAAAA",
    driver_id="driver-1",
    tariff=TARIFF,
    created_at=AT,
)
STARTED = Started(ref="tx-1", at=AT, meter_start_wh=1000)
STOPPED = Stopped(ref="tx-1", at=AT, meter_stop_wh=11_000, reason=StopReason.REMOTE)
PAID = ChargesPlanned((Charge("pi_1", 450, 450),), AT)


def told(events: Sequence[SessionEvent], session: Session = SESSION) -> list[NotificationKind]:
    """All that is told of a session that lives through these, one by one."""
    kinds: list[NotificationKind] = []
    for event in events:
        after = apply(session, event)
        kinds += following(session, after)
        session = after
    return kinds


@pytest.mark.parametrize(
    ("events", "kinds"),
    [
        ([STARTED, StopRequested(AT), STOPPED, Billed(BILL), PAID, Completed(AT)], "started finished receipt_ready"),
        ([STARTED, STARTED, STOPPED, STOPPED], "started finished"),
        ([STARTED, STOPPED, Billed(BILL), PaymentFailed(AT)], "started finished payment_failed"),
        (
            [STARTED, STOPPED, Billed(BILL), PaymentFailed(AT), Charged("pi_1", 450, AT)],
            "started finished payment_failed receipt_ready",
        ),
        ([STARTED, HoldDeclined(AT), STOPPED, Billed(BILL), PaymentFailed(AT)], "started payment_failed finished"),
        ([STARTED, StopRequested(AT), EnergyMeasured(at=AT, energy_wh=500)], "started finished"),
        ([StartFailed(Reason.PAYMENT_DECLINED, AT)], "payment_failed"),
        ([StartFailed(Reason.CHARGER_OFFLINE, AT)], ""),
        ([StopRequested(AT)], ""),
    ],
)
def test_each_thing_that_happens_is_told_once_and_in_order(events: list[SessionEvent], kinds: str) -> None:
    assert [kind.value for kind in told(events)] == kinds.split()


def test_what_happened_while_nobody_listened_is_told_at_once_and_in_order() -> None:
    ended = apply(apply(SESSION, STARTED), STOPPED)
    assert following(SESSION, ended) == [NotificationKind.STARTED, NotificationKind.FINISHED]


def test_a_notice_is_named_after_what_it_tells_of_which_session() -> None:
    sooner, later = (notification_of(SESSION, NotificationKind.STARTED, AT + timedelta(hours=it)) for it in (0, 1))
    assert sooner is not None
    assert later is not None
    assert sooner.notice_id == later.notice_id == "KAAAAAAAAAAAAAAAAAAA-started"


def test_what_passes_cannot_be_seen_to_be_untrue() -> None:
    assert bears_out(SESSION, NotificationKind.ALMOST_FULL)
    assert bears_out(SESSION, NotificationKind.IDLE_FEE_BEGINS)


def test_only_a_price_for_parking_makes_idling_cost() -> None:
    assert not TARIFF.charges_for_idling
    dear = Tariff(
        tariff_id="t",
        operator_id="op",
        name="T",
        currency="EUR",
        elements=simple_elements(per_minute=Decimal("0.02"), idle_per_minute=Decimal("0.1")),
    )
    assert dear.charges_for_idling


def test_nine_tenths_of_a_limit_is_nearly() -> None:
    limits = Limits(energy_wh=10_000, amount_minor=5, duration_s=60, soc_percent=90).nearly
    assert limits == Limits(energy_wh=9000, amount_minor=5, duration_s=54, soc_percent=81)
    assert Limits(energy_wh=10_000).nearly == Limits(energy_wh=9000)


def test_attempts_come_ever_later_and_end_within_a_day() -> None:
    waits = [attempt_after(number) for number in range(1, MOST_ATTEMPTS)]
    assert waits[:3] == [timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=4)]
    assert sum(waits, timedelta()) == timedelta(minutes=511)


@pytest.mark.parametrize(
    "url",
    [
        "http://app.example.com/kerb",
        "ftp://app.example.com/",
        "https://",
        "https://user:word@app.example.com/",
        "https://localhost/",
        "https://db.internal/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/latest",
        "https://app.example.com:port/",
        "https://app.example.com/a b",
        "https://[nonsense/",
        "https://app.example.com/" + "a" * 2000,
    ],
)
def test_a_webhook_that_leads_elsewhere_than_the_open_internet_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"URL"):
        check_webhook(url, may_be_inside=False)


@pytest.mark.parametrize("url", ["https://app.example.com/kerb?a=b", "https://8.8.8.8:8443/"])
def test_a_webhook_on_the_open_internet_is_taken(url: str) -> None:
    check_webhook(url, may_be_inside=False)


def test_a_laptop_may_send_to_itself() -> None:
    check_webhook("http://127.0.0.1:9999/", may_be_inside=True)
    with pytest.raises(ValueError, match="https"):
        check_webhook("file:///etc/passwd", may_be_inside=True)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("10.1.2.3", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("fd00::1", False),
        ("fe80::1", False),
        ("2002:7f00:1::", False),
        ("64:ff9b::a9fe:a9fe", False),
    ],
)
def test_addresses_of_no_public_place_are_known(address: str, public: bool) -> None:
    assert is_public(address) is public
