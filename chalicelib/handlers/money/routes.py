"""Routes for money: what a charge would cost, what is owed for it, what goes back, and what the books say."""

from __future__ import annotations

import secrets
from datetime import date, datetime, timedelta

from chalice import Blueprint

from chalicelib.domain.charging.session import Correction
from chalicelib.domain.money.ledger import balances
from chalicelib.domain.pricing.rating import planned, price
from chalicelib.handlers.chargers import views as operator_views
from chalicelib.handlers.chargers.diagnostics_models import OperatorSession
from chalicelib.handlers.http.endpoint import KEY_FORM, BadRequest, Request, endpoint
from chalicelib.handlers.money import views
from chalicelib.handlers.money.models import (
    Balance,
    Books,
    CorrectionBody,
    DebtView,
    DifferenceView,
    EnergyDecision,
    PaymentView,
    Quote,
    ReconciliationView,
    RefundBody,
    RefundView,
    TransferView,
)
from chalicelib.records.money import Debt
from chalicelib.services.access import operators_own
from chalicelib.services.money.debts import Paid
from chalicelib.wiring import network

money = Blueprint(__name__)

_MOST_WH, _MOST_S = 2_000_000, 172_800


@endpoint(
    money,
    "GET",
    "/v1/chargers/{charger_id}/quote",
    answers=Quote,
    errors=(400, 404),
    query={
        "energy_wh": f"how much energy, {_MOST_WH} at most",
        "charging_s": f"for how long, {_MOST_S} at most; at 11 kW if left out",
        "parked_s": "how long the car stands there afterwards, 0 if left out",
        "at": "when it begins, RFC 3339; now if left out",
    },
)
def quote(request: Request) -> Quote:
    """What a charge would cost the caller: every line of the bill, at the prices of that time."""
    charger_id = request.path["charger_id"]
    site, tariff = network().eligibility.prices(request.driver_id, charger_id)
    energy_wh = _whole(request, "energy_wh", None, _MOST_WH)
    charging_s = _whole(request, "charging_s", energy_wh * 3600 // 11_000, _MOST_S)
    begins_at = _time(request.query.get("at"))
    usage = planned(begins_at, energy_wh, charging_s, _whole(request, "parked_s", 0, _MOST_S))
    bill = price(tariff, usage, site.time_zone)
    return Quote(
        charger_id=charger_id,
        tariff_id=tariff.tariff_id,
        begins_at=begins_at,
        currency=bill.currency,
        lines=[views.line(it) for it in bill.lines],
        tax_included=bill.tax_included,
        net_minor=bill.net_minor,
        taxes=[views.tax(it) for it in bill.taxes],
        tax_minor=bill.tax_minor,
        total_minor=bill.total_minor,
    )


@endpoint(money, "GET", "/v1/me/balance", answers=Balance, errors=(404,))
def balance(request: Request) -> Balance:
    """What the caller owes. As long as anything is, no other charge begins."""
    return _balance(Paid(network().debts.of_driver(request.driver_id)))


@endpoint(money, "POST", "/v1/me/balance/pay", takes=PaymentView, answers=Balance, errors=(402, 404, 503))
def pay_balance(request: Request) -> Balance:
    """Pay all that is owed by the card that is saved now; what is left is answered."""
    return _balance(network().debts.pay(request.driver_id))


@endpoint(
    money,
    "POST",
    "/v1/operator/sessions/{session_id}/refund",
    takes=RefundBody,
    answers=RefundView,
    errors=(404, 409, 503),
    needs_operator=True,
    headers={"Idempotency-Key": f"the same key again gives nothing more back ({KEY_FORM})"},
)
def refund(request: Request) -> RefundView:
    """Give back what was paid for a session, in part or whole."""
    key = request.idempotency_key or secrets.token_hex(8)
    session_id = request.path["session_id"]
    done = network().refunds.refund(request.operator_id, session_id, request.body.amount_minor, key)
    return RefundView(
        session_id=done.session_id,
        currency=done.tariff.currency,
        paid_minor=done.payment.amount_minor if done.payment else 0,
        refunded_minor=done.refunded_minor,
    )


@endpoint(
    money,
    "POST",
    "/v1/operator/sessions/{session_id}/energy",
    takes=EnergyDecision,
    answers=OperatorSession,
    errors=(404, 409),
    needs_operator=True,
)
def decide_energy(request: Request) -> OperatorSession:
    """Say what a session that waits for it (`review_until`) has delivered: so much is billed, 0 waives it."""
    session_id, who = request.path["session_id"], request.driver_id
    decided = network().metering.decide(request.operator_id, session_id, request.body.energy_wh, who)
    return operator_views.session(decided)


@endpoint(
    money,
    "POST",
    "/v1/operator/sessions/{session_id}/correction",
    takes=CorrectionBody,
    answers=OperatorSession,
    status=202,
    errors=(404, 409, 503),
    needs_operator=True,
    headers={"Idempotency-Key": f"the same key again corrects nothing more ({KEY_FORM})"},
)
def correct_bill(request: Request) -> OperatorSession:
    """Lower what a session costs its driver, be it billed or not, paid or owed; its driver is told.

    What is unpaid beyond that is waived, what is paid beyond it goes back. What is being paid at this moment is
    corrected within a minute of that.
    """
    correction = Correction(
        key=request.idempotency_key or secrets.token_hex(8),
        total_minor=request.body.total_minor,
        by=request.driver_id,
        at=network().clock(),
        note=request.body.note,
    )
    corrected = network().corrections.correct(request.operator_id, request.path["session_id"], correction)
    return operator_views.session(corrected)


@endpoint(money, "GET", "/v1/operator/sessions/{session_id}/books", answers=Books, errors=(404,), needs_operator=True)
def books(request: Request) -> Books:
    """Every transfer of money for a session."""
    session_id = request.path["session_id"]
    session = operators_own(network().sessions.get(session_id), request.operator_id, f"session {session_id}")
    transfers = network().ledger.of_session(session.session_id)
    return Books(
        session_id=session.session_id,
        transfers=[
            TransferView(
                kind=it.kind,
                debit=it.debit,
                credit=it.credit,
                amount_minor=it.amount_minor,
                currency=it.currency,
                reference=it.reference,
                at=it.at,
            )
            for it in transfers
        ],
        balances_minor={account: amount for (account, _), amount in balances(transfers).items()},
    )


@endpoint(
    money,
    "GET",
    "/v1/operator/reconciliation",
    answers=ReconciliationView,
    errors=(400,),
    needs_operator=True,
    query={"day": "YYYY-MM-DD, UTC; yesterday if left out"},
)
def reconciliation(request: Request) -> ReconciliationView:
    """Where our books and the payment provider's did not agree about a day, as the night's comparison found."""
    text = request.query.get("day")
    try:
        day = date.fromisoformat(text) if text else (network().clock() - timedelta(days=1)).date()
    except ValueError:
        raise BadRequest("day must be YYYY-MM-DD", "day") from None
    found = network().differences.of(request.operator_id, day)
    return ReconciliationView(
        day=day,
        items=[
            DifferenceView(
                session_id=it.session_id,
                what=it.what,
                ours_minor=it.ours_minor,
                theirs_minor=it.theirs_minor,
                currency=it.currency,
            )
            for it in found
        ],
    )


def _balance(paid: Paid) -> Balance:
    return Balance(debts=[_debt(it) for it in paid.debts], action=views.action(paid.action) if paid.action else None)


def _debt(it: Debt) -> DebtView:
    return DebtView(
        session_id=it.session_id,
        operator_id=it.operator_id,
        amount_minor=it.amount_minor,
        currency=it.currency,
        since=it.since,
        next_attempt_at=it.next_at,
        error=it.error,
        needs_confirmation=it.needs_confirmation,
    )


def _whole(request: Request, name: str, otherwise: int | None, most: int) -> int:
    text = request.query.get(name)
    if text is None and otherwise is not None:
        return min(otherwise, most)
    if text is None or not text.isascii() or not text.isdecimal() or len(text) > 9 or int(text) > most:
        raise BadRequest(f"{name} must be a whole number from 0 to {most}", name)
    return int(text)


def _time(text: str | None) -> datetime:
    if text is None:
        return network().clock()
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None or not 2000 < at.year < 2200:
            raise ValueError(text)
    except ValueError:
        raise BadRequest("at must be a time with its offset, such as 2026-11-21T09:30:00Z", "at") from None
    return at
