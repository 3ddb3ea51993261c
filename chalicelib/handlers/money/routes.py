"""Routes for money: what is owed for a charge, what goes back, and what the books say."""

from __future__ import annotations

import secrets
from datetime import date, timedelta

from chalice import Blueprint

from chalicelib.domain.charging.session import Correction
from chalicelib.domain.money.ledger import balances
from chalicelib.handlers.chargers import views as operator_views
from chalicelib.handlers.chargers.session_models import OperatorSession
from chalicelib.handlers.http.endpoint import KEY_FORM, BadRequest, Request, Scope, SiteRule, endpoint
from chalicelib.handlers.money import views
from chalicelib.handlers.money.models import (
    Balance,
    Books,
    CorrectionBody,
    DebtView,
    DifferenceView,
    EnergyDecision,
    PaymentView,
    ReconciliationView,
    RefundBody,
    RefundView,
    TransferView,
)
from chalicelib.records.money import Debt
from chalicelib.services.access import operators_own
from chalicelib.services.money.debts import Paid
from chalicelib.services.money.refunds import Capped
from chalicelib.wiring import network

money = Blueprint(__name__)


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
    needs=Scope.REFUNDS_WRITE,
    reads=operator_views.session_before,
    headers={"Idempotency-Key": f"the same key again gives nothing more back ({KEY_FORM})"},
)
def refund(request: Request) -> RefundView:
    """Give back what was paid for a session, in part or whole."""
    key = request.idempotency_key or secrets.token_hex(8)
    session_id = request.path["session_id"]
    by = request.principal
    capped = Capped(by.person_id, by.refund_cap) if by.refund_cap is not None else None
    done = network().refunds.refund(by.operator_id, session_id, request.body.amount_minor, key, capped)
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
    needs=Scope.SESSIONS_SETTLE,
    reads=operator_views.session_before,
)
def decide_energy(request: Request) -> OperatorSession:
    """Say what a session that waits for it (`review_until`) has delivered: so much is billed, 0 waives it."""
    session_id, who = request.path["session_id"], request.principal.name
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
    needs=Scope.CORRECTIONS_WRITE,
    reads=operator_views.session_before,
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
        by=request.principal.name,
        at=network().clock(),
        note=request.body.note,
    )
    corrected = network().corrections.correct(request.operator_id, request.path["session_id"], correction)
    return operator_views.session(corrected)


@endpoint(
    money, "GET", "/v1/operator/sessions/{session_id}/books", answers=Books, errors=(404,), needs=Scope.MONEY_READ
)
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
    needs=Scope.MONEY_READ,
    sites=SiteRule.ALL,
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
