"""Money moves once, whatever is repeated, refused or late; the real SDK speaks to a Stripe on this machine."""

from __future__ import annotations

import itertools
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR
from typing import Any

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.money import stripe_payments
from chalicelib.adapters.money.stripe_payments import StripePayments
from chalicelib.adapters.money.stripe_webhooks import from_stripe, to_stripe
from chalicelib.domain.charging.session import Hold, Session
from chalicelib.records.drivers import Driver
from chalicelib.records.money import (
    CardholderNeeded,
    Declined,
    PaymentNews,
    PaymentNewsKind,
    PaymentsUnavailable,
    TooLittle,
)
from local.stripe_server import CardRefused, StripeServer, confirm_payment, save_test_card
from tests.adapters.conftest import TARIFF, a_session
from tests.endpoint import Asked, Endpoint, a_closed_port, an_endpoint
from tests.patience import PATIENCE_S

SECRET = "whsec_test"
API_KEY = "sk_test_very_secret"
_numbers = itertools.count(1)


@dataclass
class Bank:
    """Stripe, what it told us, and the adapter under test."""

    server: StripeServer
    told: Endpoint
    payments: StripePayments

    def card(self, card: str = "pm_card_visa") -> Driver:
        """A new customer with that card saved."""
        number = next(_numbers)
        customer_id = self.payments.create_customer(f"driver-{number}", f"driver{number}@example.com")
        setup = self.payments.begin_card_setup(customer_id, f"request-{number}")
        save_test_card(self.server.url, setup.client_secret, setup.publishable_key, card)
        saved = self.payments.saved_card(customer_id, setup.setup_id)
        assert saved is not None
        return Driver(
            driver_id=f"driver-{number}",
            email="d@example.com",
            customer_id=customer_id,
            payment_method_id=saved.payment_method_id,
            card=saved.label,
        )

    def held(self, amount_minor: int = 5000, currency: str = "EUR") -> tuple[Session, Hold]:
        """A new session with money set aside."""
        session = a_new_session(currency)
        return session, self.payments.hold(session, self.card(), amount_minor)

    def intents(self, session: Session) -> list[dict[str, Any]]:
        """What became of a session at Stripe, oldest first, with the event's type as `event`."""
        return [
            {"event": event["type"], **event["data"]["object"]}
            for event in self.server.events()
            if event["data"]["object"].get("metadata", {}).get("session_id") == session.session_id
        ]

    def news(self, event_type: str, session: Session) -> PaymentNews:
        """What the adapter makes of the webhook of that type that the endpoint was sent for that session."""

        def of_session(asked: Asked) -> bool:
            event = json.loads(asked.body)
            metadata = event["data"]["object"].get("metadata", {})
            return bool(event["type"] == event_type and metadata.get("session_id") == session.session_id)

        asked = next(filter(of_session, self.told.until(lambda asked: any(map(of_session, asked)))))
        return self.payments.read_webhook(asked.body, asked.headers["stripe-signature"])


@pytest.fixture(scope="module")
def bank() -> Iterator[Bank]:
    with an_endpoint() as endpoint:
        server = StripeServer(endpoint.url, SECRET)
        server.start()
        yield Bank(server, endpoint, StripePayments(API_KEY, SECRET, "pk_test_1", server.url))
        server.stop()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the SDK retry without pausing."""
    monkeypatch.setattr(stripe.RequestsClient, "_sleep_time_seconds", lambda *_: 0.0)


def a_new_session(currency: str = "EUR") -> Session:
    return a_session(session_id=f"K{next(_numbers):019}", tariff=replace(TARIFF, currency=currency))


# Cards


def test_a_customer_is_created_once(bank: Bank) -> None:
    customer_id = bank.payments.create_customer("driver-once", "once@example.com")

    assert bank.payments.create_customer("driver-once", "once@example.com") == customer_id
    assert bank.payments.create_customer("driver-other", "other@example.com") != customer_id


def test_a_card_is_saved_between_the_client_and_stripe(bank: Bank) -> None:
    customer_id = bank.payments.create_customer("driver-saves", "saves@example.com")
    setup = bank.payments.begin_card_setup(customer_id, "request-saves")
    assert setup.publishable_key == "pk_test_1"
    assert bank.payments.saved_card(customer_id, setup.setup_id) is None

    save_test_card(bank.server.url, setup.client_secret, setup.publishable_key)

    saved = bank.payments.saved_card(customer_id, setup.setup_id)
    assert saved is not None
    assert saved.label == "visa 4242"
    assert saved.payment_method_id.startswith("pm_")


def test_a_repeated_request_begins_the_same_setup(bank: Bank) -> None:
    customer_id = bank.payments.create_customer("driver-repeats", "repeats@example.com")

    first = bank.payments.begin_card_setup(customer_id, "request-repeats")

    assert bank.payments.begin_card_setup(customer_id, "request-repeats") == first
    assert bank.payments.begin_card_setup(customer_id, "request-other") != first


def test_a_setup_of_somebody_else_saves_nothing(bank: Bank) -> None:
    theirs = bank.payments.create_customer("driver-them", "them@example.com")
    setup = bank.payments.begin_card_setup(theirs, "request-them")
    save_test_card(bank.server.url, setup.client_secret, setup.publishable_key)
    mine = bank.payments.create_customer("driver-me", "me@example.com")

    assert bank.payments.saved_card(mine, setup.setup_id) is None


@pytest.mark.parametrize("setup_id", ["seti_unknown", "", "../customers", "pi_1"])
def test_an_id_that_is_no_setup_saves_nothing(bank: Bank, setup_id: str) -> None:
    assert bank.payments.saved_card("cus_1", setup_id) is None


def test_a_card_whose_holder_does_not_confirm_is_not_saved(bank: Bank) -> None:
    customer_id = bank.payments.create_customer("driver-shy", "shy@example.com")
    setup = bank.payments.begin_card_setup(customer_id, "request-shy")
    with pytest.raises(CardRefused):
        save_test_card(
            bank.server.url,
            setup.client_secret,
            setup.publishable_key,
            "pm_card_authenticationRequired",
            authenticate=False,
        )

    assert bank.payments.saved_card(customer_id, setup.setup_id) is None


# Holds


def test_a_hold_sets_money_aside_and_says_for_what(bank: Bank) -> None:
    session, hold = bank.held(5000)

    assert hold == Hold(hold.payment_id, 5000)
    (intent,) = bank.intents(session)
    assert (intent["id"], intent["status"], intent["currency"]) == (hold.payment_id, "requires_capture", "eur")
    assert (intent["amount_capturable"], intent["amount_received"]) == (5000, 0)
    assert intent["metadata"] == {
        "session_id": session.session_id,
        "operator_id": session.operator_id,
        "charger_id": session.charger_id,
        "part": "0",
    }


def test_a_repeated_hold_is_the_same_hold(bank: Bank) -> None:
    session, card = a_new_session(), bank.card()

    hold = bank.payments.hold(session, card, 5000)

    assert bank.payments.hold(session, card, 5000) == hold
    assert len(bank.intents(session)) == 1


def test_another_amount_or_another_card_is_another_hold(bank: Bank) -> None:
    session, card = a_new_session(), bank.card()
    hold = bank.payments.hold(session, card, 5000)

    assert bank.payments.hold(session, card, 1234).amount_minor == 1234
    assert bank.payments.hold(session, bank.card(), 5000).payment_id != hold.payment_id


def test_a_declined_card_is_declined_in_the_providers_words(bank: Bank) -> None:
    session, card = a_new_session(), bank.card("pm_card_chargeCustomerFail")

    for _ in range(2):
        with pytest.raises(Declined, match=r"^Your card was declined\.$"):
            bank.payments.hold(session, card, 5000)
    assert [intent["event"] for intent in bank.intents(session)] == ["payment_intent.payment_failed"]


def test_a_hold_its_holder_has_to_confirm_waits_for_them(bank: Bank) -> None:
    session, card = a_new_session(), bank.card("pm_card_authenticationRequired")

    actions = []
    for _ in range(2):
        with pytest.raises(CardholderNeeded) as needed:
            bank.payments.hold(session, card, 5000)
        actions.append(needed.value.action)
    assert actions[0] == actions[1]
    assert bank.intents(session) == []
    confirm_payment(bank.server.url, actions[0].client_secret, "pk_test_1")
    assert bank.news("payment_intent.amount_capturable_updated", session).amount_minor == 5000


def test_a_further_hold_its_holder_would_have_to_confirm_is_given_up(bank: Bank) -> None:
    session, card = a_new_session(), bank.card("pm_card_authenticationRequired")

    for _ in range(2):
        with pytest.raises(Declined, match="confirm"):
            bank.payments.hold(session, card, 5000, 1)
    assert [intent["event"] for intent in bank.intents(session)] == ["payment_intent.canceled"]


def test_a_card_that_is_gone_is_declined(bank: Bank) -> None:
    gone = replace(bank.card(), payment_method_id="pm_gone")

    with pytest.raises(Declined):
        bank.payments.hold(a_new_session(), gone, 5000)


# Capture and void


def test_a_capture_takes_its_amount_and_gives_the_rest_back(bank: Bank) -> None:
    session, hold = bank.held(5000)

    bank.payments.capture(session, hold, 1234)

    taken = bank.intents(session)[-1]
    assert (taken["status"], taken["amount_received"], taken["amount_capturable"]) == ("succeeded", 1234, 0)


def test_a_repeated_capture_takes_nothing_more(bank: Bank) -> None:
    session, hold = bank.held()

    bank.payments.capture(session, hold, 1234)
    bank.payments.capture(session, hold, 1234)

    assert [intent["event"] for intent in bank.intents(session)].count("payment_intent.succeeded") == 1


def test_a_capture_repeated_when_its_key_is_forgotten_takes_nothing_more(bank: Bank) -> None:
    session, hold = bank.held()
    bank.payments.capture(session, hold, 1234)

    bank.payments.capture(a_new_session(), hold, 1234)

    assert [intent["event"] for intent in bank.intents(session)].count("payment_intent.succeeded") == 1


def test_a_hold_that_is_gone_cannot_be_captured(bank: Bank) -> None:
    session, hold = bank.held()
    bank.payments.void(session, hold)

    with pytest.raises(Declined, match="canceled"):
        bank.payments.capture(session, hold, 1234)


@pytest.mark.parametrize("amount_minor", [0, -1, 5001])
def test_nothing_and_more_than_is_held_cannot_be_captured(bank: Bank, amount_minor: int) -> None:
    with pytest.raises(ValueError, match="cannot be taken"):
        bank.payments.capture(a_new_session(), Hold("pi_1", 5000), amount_minor)


def test_a_void_gives_the_hold_back_once(bank: Bank) -> None:
    session, hold = bank.held()

    bank.payments.void(session, hold)
    bank.payments.void(session, hold)
    bank.payments.void(a_new_session(), hold)  # as when Stripe has forgotten the key

    events = [intent["event"] for intent in bank.intents(session)]
    assert events == ["payment_intent.amount_capturable_updated", "payment_intent.canceled"]


def test_a_void_refunds_nothing_that_was_taken(bank: Bank) -> None:
    session, hold = bank.held()
    bank.payments.capture(session, hold, 1234)

    with pytest.raises(Declined, match="succeeded"):
        bank.payments.void(session, hold)

    assert bank.intents(session)[-1]["event"] == "payment_intent.succeeded"


def test_a_hold_stripe_never_heard_of_can_neither_be_captured_nor_voided(bank: Bank) -> None:
    with pytest.raises(Declined):
        bank.payments.capture(a_new_session(), Hold("pi_unknown", 5000), 1)
    with pytest.raises(Declined):
        bank.payments.void(a_new_session(), Hold("pi_unknown", 5000))


# Currencies


@pytest.mark.parametrize(
    ("currency", "asked_minor", "at_stripe", "held_minor"),
    [
        ("EUR", 5000, 5000, 5000),
        ("HUF", 5000, 5000, 5000),
        ("JPY", 500, 500, 500),
        ("ISK", 500, 50000, 500),
        ("UGX", 500, 50000, 500),
        ("KWD", 1234, 1240, 1240),
        ("MGA", 50001, 501, 50100),
    ],
)
def test_a_hold_covers_what_was_asked_in_any_currency(
    bank: Bank, currency: str, asked_minor: int, at_stripe: int, held_minor: int
) -> None:
    session, hold = bank.held(asked_minor, currency)

    assert hold.amount_minor == held_minor
    assert bank.intents(session)[-1]["amount"] == at_stripe
    assert bank.news("payment_intent.amount_capturable_updated", session).amount_minor == held_minor


@pytest.mark.parametrize(
    ("currency", "asked_minor", "at_stripe", "taken_minor"),
    [("ISK", 123, 12300, 123), ("KWD", 1239, 1230, 1230), ("MGA", 12399, 123, 12300)],
)
def test_a_capture_takes_no_more_than_was_asked_in_any_currency(
    bank: Bank, currency: str, asked_minor: int, at_stripe: int, taken_minor: int
) -> None:
    session, hold = bank.held(50000, currency)

    bank.payments.capture(session, hold, asked_minor)

    assert bank.intents(session)[-1]["amount_received"] == at_stripe
    assert bank.news("payment_intent.succeeded", session).amount_minor == taken_minor


def test_less_than_a_card_can_pay_is_declined_and_leaves_the_hold(bank: Bank) -> None:
    session, hold = bank.held(5000, "KWD")

    with pytest.raises(Declined, match="too small"):
        bank.payments.capture(session, hold, 9)

    assert bank.intents(session)[-1]["status"] == "requires_capture"


@given(st.integers(0, 10**9), st.sampled_from("EUR JPY ISK UGX MGA KWD TND CLP".split()))
def test_amounts_go_to_stripe_and_back(amount_minor: int, currency: str) -> None:
    above = from_stripe(to_stripe(amount_minor, currency, ROUND_CEILING), currency)
    below = from_stripe(to_stripe(amount_minor, currency, ROUND_FLOOR), currency)

    assert below <= amount_minor <= above < below + 101
    assert to_stripe(above, currency, ROUND_FLOOR) == to_stripe(above, currency, ROUND_CEILING)
    if currency in ("EUR", "JPY", "ISK", "UGX", "CLP"):
        assert below == above


# When Stripe is not well

CALLS: dict[str, Callable[[StripePayments], object]] = {
    "create_customer": lambda payments: payments.create_customer("driver-1", "driver@example.com"),
    "begin_card_setup": lambda payments: payments.begin_card_setup("cus_1", "request-1"),
    "saved_card": lambda payments: payments.saved_card("cus_1", "seti_1"),
    "hold": lambda payments: payments.hold(
        a_session(), Driver(driver_id="d", email="d@example.com", customer_id="cus_1", payment_method_id="pm_1"), 5000
    ),
    "capture": lambda payments: payments.capture(a_session(), Hold("pi_1", 5000), 1234),
    "void": lambda payments: payments.void(a_session(), Hold("pi_1", 5000)),
}


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_each_call_is_tried_three_times_and_repeats_are_known_as_such(call: Callable[[StripePayments], object]) -> None:
    with an_endpoint() as broken:
        broken.answer = lambda _: (500, {"error": {"type": "api_error", "message": "Sorry."}})
        payments = StripePayments(API_KEY, SECRET, "pk_test_1", broken.url)

        with pytest.raises(PaymentsUnavailable):
            call(payments)

    assert len(broken.asked) == 3
    assert broken.asked[0].method == "GET" or "idempotency-key" in broken.asked[0].headers
    assert len({asked.headers.get("idempotency-key") for asked in broken.asked}) == 1


def test_no_two_steps_of_a_session_share_a_key() -> None:
    with an_endpoint() as any_stripe:
        any_stripe.answer = lambda _: (400, {"error": {"type": "invalid_request_error", "message": "No."}})
        payments = StripePayments(API_KEY, SECRET, "pk_test_1", any_stripe.url)
        for name in ("hold", "capture", "void"):
            with pytest.raises(Declined):
                CALLS[name](payments)

    keys = [asked.headers["idempotency-key"] for asked in any_stripe.asked if asked.method == "POST"]
    assert len(set(keys)) == 3
    assert all(key.startswith(a_session().session_id) for key in keys)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(
    ("status", "error_type"),
    [(429, "rate_limit_error"), (401, "invalid_request_error"), (403, "x"), (400, "idempotency_error"), (503, "x")],
)
def test_trouble_that_is_not_the_cards_is_no_decline(status: int, error_type: str) -> None:
    with an_endpoint() as troubled:
        troubled.answer = lambda _: (status, {"error": {"type": error_type, "message": f"Invalid key {API_KEY}"}})
        payments = StripePayments(API_KEY, SECRET, "pk_test_1", troubled.url)

        with pytest.raises(PaymentsUnavailable) as unavailable:
            payments.hold(
                a_session(),
                Driver(driver_id="d", email="d@example.com", customer_id="cus_1", payment_method_id="pm_1"),
                5000,
            )

    assert API_KEY not in str(unavailable.value)


@pytest.mark.usefixtures("at_once")
def test_a_stripe_that_cannot_be_reached_is_unavailable() -> None:
    with a_closed_port() as port:
        payments = StripePayments(API_KEY, SECRET, "pk_test_1", f"http://127.0.0.1:{port}")

        with pytest.raises(PaymentsUnavailable):
            payments.void(a_session(), Hold("pi_1", 5000))


@pytest.mark.usefixtures("at_once")
def test_a_stripe_that_does_not_answer_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stripe_payments, "_READ_TIMEOUT_S", 0.05)
    over = threading.Event()

    def late(_: Asked) -> tuple[int, Any]:
        over.wait(PATIENCE_S)
        return 200, {"id": "pi_1", "object": "payment_intent", "status": "canceled"}

    with an_endpoint() as silent:
        silent.answer = late
        payments = StripePayments(API_KEY, SECRET, "pk_test_1", silent.url)

        with pytest.raises(PaymentsUnavailable):
            payments.void(a_session(), Hold("pi_1", 5000))
        over.set()


def test_no_secret_is_logged(bank: Bank, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        bank.held()
        with pytest.raises(Declined):
            bank.payments.hold(a_new_session(), bank.card("pm_card_chargeCustomerFail"), 5000)

    assert "_secret_" not in caplog.text
    assert API_KEY not in caplog.text


# Webhooks


def test_a_webhook_tells_of_a_hold(bank: Bank) -> None:
    session, hold = bank.held(5000)

    news = bank.news("payment_intent.amount_capturable_updated", session)

    assert (news.kind, news.session_id, news.payment_id) == ("held", session.session_id, hold.payment_id)
    assert news.amount_minor == 5000
    assert news.customer_id is not None
    assert news.customer_id.startswith("cus_")


def test_a_webhook_tells_what_was_taken(bank: Bank) -> None:
    began_at = datetime.now(UTC).replace(microsecond=0)
    session, hold = bank.held(5000)
    bank.payments.capture(session, hold, 1234)

    news = bank.news("payment_intent.succeeded", session)

    assert (news.kind, news.payment_id, news.amount_minor) == ("captured", hold.payment_id, 1234)
    assert news.at is not None
    assert began_at <= news.at <= datetime.now(UTC)


def test_a_webhook_tells_of_a_void(bank: Bank) -> None:
    session, hold = bank.held(5000)
    bank.payments.void(session, hold)

    news = bank.news("payment_intent.canceled", session)

    assert (news.kind, news.payment_id, news.amount_minor) == ("voided", hold.payment_id, 5000)


def test_a_webhook_tells_why_a_hold_failed(bank: Bank) -> None:
    session = a_new_session()
    with pytest.raises(Declined):
        bank.payments.hold(session, bank.card("pm_card_chargeCustomerFail"), 5000)

    news = bank.news("payment_intent.payment_failed", session)

    assert (news.kind, news.session_id) == ("failed", session.session_id)
    assert news.detail == {"code": "card_declined", "message": "Your card was declined."}


def test_webhooks_tell_of_a_saved_card_and_of_what_does_not_concern_us(bank: Bank) -> None:
    customer_id = bank.card().customer_id or ""

    def about_customer(asked: list[Asked]) -> list[PaymentNews]:
        news = [bank.payments.read_webhook(a.body, a.headers["stripe-signature"]) for a in asked]
        return [n for n, a in zip(news, asked, strict=True) if customer_id.encode() in a.body]

    news = about_customer(bank.told.until(lambda asked: len(about_customer(asked)) == 2))
    by_kind = {one.kind: one for one in news}
    assert set(by_kind) == {"other", "card_saved"}
    assert by_kind[PaymentNewsKind.CARD_SAVED].customer_id == customer_id
    assert (by_kind[PaymentNewsKind.CARD_SAVED].setup_id or "").startswith("seti_")


def test_a_webhook_delivered_again_is_the_same_event(bank: Bank) -> None:
    session, _ = bank.held()
    first = bank.news("payment_intent.amount_capturable_updated", session)

    assert bank.server.redeliver(first.event_id) == 200

    again = bank.told.asked[-1]
    assert bank.payments.read_webhook(again.body, again.headers["stripe-signature"]) == first


def signed(body: bytes, secret: str = SECRET, age_s: int = 0) -> str:
    signed_at = int(time.time()) - age_s
    return str(stripe.WebhookSignature.generate_signature_header(body.decode(), secret, signed_at))


BODY = b'{"id": "evt_1", "type": "customer.created", "created": 1700000000, "data": {"object": {}}}'


def test_a_webhook_we_do_not_know_is_other_news(bank: Bank) -> None:
    news = bank.payments.read_webhook(BODY, signed(BODY))

    assert news == PaymentNews(
        event_id="evt_1", kind=PaymentNewsKind.OTHER, at=datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    "signature",
    ["", "t=1,v1=00", "nonsense", "t=x,v1=é", signed(BODY, "whsec_other"), signed(BODY, age_s=301), signed(b"{}")],
    ids=["none", "old", "nonsense", "not ASCII", "another secret", "too old", "another body"],
)
def test_a_webhook_stripe_did_not_just_sign_is_refused(bank: Bank, signature: str) -> None:
    with pytest.raises(ValueError, match="not Stripe's"):
        bank.payments.read_webhook(BODY, signature)


def test_a_signature_that_is_not_even_ascii_is_refused(bank: Bank) -> None:
    with pytest.raises(ValueError, match="not Stripe's"):
        bank.payments.read_webhook(BODY, f"t={int(time.time())},v1=é")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"not json",
        b'{"type": "payment_intent.succeeded"}',
        b'{"id": "evt_1", "type": "payment_intent.succeeded", "created": 1, "data": {"object": {}}}',
        b'{"id": "evt_1", "type": "payment_intent.succeeded", "created": 1, "data": []}',
    ],
)
def test_a_signed_body_that_is_no_event_is_refused(bank: Bank, body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        bank.payments.read_webhook(body, signed(body))


def test_a_body_that_is_no_text_is_refused(bank: Bank) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        bank.payments.read_webhook(b"\xff\xfe", "t=1,v1=00")


@pytest.mark.parametrize(
    ("currency", "least"), [("EUR", 50), ("CZK", 1500), ("HUF", 17500), ("JPY", 50), ("ISK", 100), ("KWD", 250)]
)
def test_what_stripe_finds_too_small_is_told_apart_from_a_decline(bank: Bank, currency: str, least: int) -> None:
    session, hold = bank.held(least, currency)
    bank.server.refuses_small_amounts = True
    try:
        with pytest.raises(TooLittle):
            bank.payments.hold(session, bank.card(), least // 2)
        with pytest.raises(TooLittle):
            bank.payments.charge(session, bank.card(), least // 2, "rest")
        with pytest.raises(TooLittle):
            bank.payments.capture(session, hold, least // 2)
        bank.payments.capture(session, hold, least)
    finally:
        bank.server.refuses_small_amounts = False
