"""Routes for drivers' prepaid wallets: see them, pay in, let be paid in, pay out, and what moved."""

from __future__ import annotations

import secrets

from chalice import Blueprint

from chalicelib.domain.money.wallet import AutoTopUp, EntryKind, Wallet, WalletEntry, month_of, most_minor
from chalicelib.domain.pricing.caps import is_taken
from chalicelib.handlers.http.endpoint import KEY_FORM, Request, endpoint
from chalicelib.handlers.http.paging import Paging
from chalicelib.handlers.money import views
from chalicelib.handlers.money.wallet_models import (
    AutoTopUpBody,
    AutoTopUpView,
    PayOutBody,
    PayOutView,
    TopUpBody,
    TopUpView,
    WalletEntryPage,
    WalletEntryView,
    WalletList,
    WalletView,
)
from chalicelib.services.access import NotFound
from chalicelib.wiring import network

wallets = Blueprint(__name__)

_PAGING = Paging()
_OF_SESSIONS = (EntryKind.SET_ASIDE, EntryKind.GIVEN_BACK, EntryKind.REFUND, EntryKind.DEBT_PAID)
_WALLET = "/v1/me/wallets/{currency}"


@endpoint(wallets, "GET", "/v1/me/wallets", answers=WalletList)
def mine(request: Request) -> WalletList:
    """The caller's wallets. A charge is paid from the one of its currency first, and by card what is not in it."""
    return WalletList(items=[wallet_view(it) for it in network().driver_wallets.of_driver(request.driver_id)])


@endpoint(
    wallets,
    "POST",
    f"{_WALLET}/top-ups",
    takes=TopUpBody,
    answers=TopUpView,
    status=202,
    errors=(402, 403, 404, 409, 503),
    headers={"Idempotency-Key": f"the same key again is the same top-up ({KEY_FORM})"},
)
def top_up(request: Request) -> TopUpView:
    """Pay in by the card that pays; the money is there once the payment provider says so, within seconds."""
    key = request.idempotency_key or secrets.token_hex(8)
    done = network().driver_wallets.top_up(request.driver_id, _currency(request), request.body.amount_minor, key)
    return TopUpView(
        top_up_id=done.top_up.top_up_id,
        amount_minor=done.top_up.amount_minor,
        currency=done.top_up.currency,
        state=done.top_up.state,
        action=views.action(done.action) if done.action else None,
    )


@endpoint(
    wallets, "PUT", f"{_WALLET}/auto-top-up", takes=AutoTopUpBody, answers=WalletView, errors=(402, 403, 404, 409)
)
def allow(request: Request) -> WalletView:
    """Let the wallet be paid into by itself, within a monthly cap. Until this is said nothing is taken unasked."""
    auto = AutoTopUp(**request.body.model_dump())
    return wallet_view(network().driver_wallets.allow(request.driver_id, _currency(request), auto))


@endpoint(wallets, "DELETE", f"{_WALLET}/auto-top-up", answers=WalletView, errors=(404, 409))
def forbid(request: Request) -> WalletView:
    """Let nothing be taken by itself any more."""
    return wallet_view(network().driver_wallets.allow(request.driver_id, _currency(request), None))


@endpoint(
    wallets,
    "POST",
    f"{_WALLET}/pay-outs",
    takes=PayOutBody,
    answers=PayOutView,
    status=202,
    errors=(404, 409, 503),
    headers={"Idempotency-Key": f"the same key again pays nothing more out ({KEY_FORM})"},
)
def pay_out(request: Request) -> PayOutView:
    """Pay what is left back to the cards it came from, the newest first; what is set aside for a charge stays."""
    key = request.idempotency_key or secrets.token_hex(8)
    done = network().wallet_returns.pay_out(request.driver_id, _currency(request), request.body.amount_minor, key)
    return PayOutView(
        pay_out_id=done.pay_out_id,
        amount_minor=done.amount_minor,
        currency=done.currency,
        failed_minor=sum(it.amount_minor for it in done.parts if it.top_up_id in done.failed),
        is_done=not done.left,
    )


@endpoint(
    wallets, "GET", f"{_WALLET}/entries", answers=WalletEntryPage, errors=(400, 404, 409), query=dict(_PAGING.query)
)
def entries(request: Request) -> WalletEntryPage:
    """What moved in a wallet, newest first, each with the session, top-up or pay-out that it is about."""
    found, cursor = network().driver_wallets.statement(request.driver_id, _currency(request), *_PAGING.asked(request))
    return WalletEntryPage(items=[entry_view(it) for it in found], next_cursor=cursor)


def _currency(request: Request) -> str:
    """The wallet's currency. Raises NotFound for one that no card can be charged in."""
    currency = request.path["currency"]
    if not is_taken(currency):
        raise NotFound(f"a wallet of {currency}")
    return currency


def wallet_view(it: Wallet) -> WalletView:
    """A wallet as its driver sees it."""
    now = network().clock()
    auto = it.auto
    return WalletView(
        currency=it.currency,
        balance_minor=it.balance_minor,
        most_minor=most_minor(it.currency, now.date()),
        auto_top_up=AutoTopUpView(
            threshold_minor=auto.threshold_minor,
            amount_minor=auto.amount_minor,
            monthly_cap_minor=auto.monthly_cap_minor,
        )
        if auto
        else None,
        taken_this_month_minor=it.taken_in(month_of(now)),
    )


def entry_view(it: WalletEntry) -> WalletEntryView:
    """A line of its statement."""
    is_of_session = it.kind in _OF_SESSIONS
    return WalletEntryView(
        kind=it.kind,
        amount_minor=it.amount_minor,
        balance_minor=it.balance_minor,
        session_id=it.about if is_of_session else None,
        paid_minor=it.paid_minor,
        reference="" if is_of_session else it.about,
        at=it.at,
    )
