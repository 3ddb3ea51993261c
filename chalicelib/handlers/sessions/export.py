"""A driver's data for export: all that is kept of them, for them to take along (GDPR art. 15 and 20)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from chalice import Blueprint
from pydantic import Field

from chalicelib.domain.notifications import NotificationKind
from chalicelib.handlers.chargers.fault_reports import FaultReportView, fault_report
from chalicelib.handlers.drivers.account_models import ACCEPTED_TERMS, AcceptedTermsView
from chalicelib.handlers.drivers.accounts import accepted_views
from chalicelib.handlers.drivers.models import RFID_TOKEN, TokenView
from chalicelib.handlers.drivers.profile_models import BUSINESS, BusinessView, business
from chalicelib.handlers.drivers.tokens import token
from chalicelib.handlers.drivers.watches import WATCH, WatchView, watch_view
from chalicelib.handlers.http import examples
from chalicelib.handlers.http.endpoint import Request, endpoint
from chalicelib.handlers.http.fields import ResponseBody, example
from chalicelib.handlers.money.disputes import DisputeView, dispute_view
from chalicelib.handlers.money.wallet_models import WalletEntryView, WalletView
from chalicelib.handlers.money.wallets import entry_view, wallet_view
from chalicelib.handlers.reservations.models import ReservationView
from chalicelib.handlers.reservations.views import reservation
from chalicelib.handlers.sessions.models import SessionView
from chalicelib.handlers.sessions.preference_models import UsualPreferencesItem, usual_view
from chalicelib.handlers.sessions.views import page
from chalicelib.handlers.vehicles.models import KEPT_CAR, KeptCar
from chalicelib.handlers.vehicles.routes import kept_car
from chalicelib.services.sessions.progress import progress
from chalicelib.wiring import network

exports = Blueprint(__name__)


class ExportedNotice(ResponseBody):
    """A notification: something the driver was told."""

    kind: NotificationKind
    session_id: str | None
    at: datetime


class ExportedDispute(ResponseBody):
    """What the driver said of a session's bill, and what was answered."""

    session_id: str
    dispute: DisputeView


class ExportedWallet(ResponseBody):
    """A wallet, and the newest hundred lines of its statement."""

    wallet: WalletView
    entries: list[WalletEntryView]


class ExportedDeposit(ResponseBody):
    """What a session is called on chain, and the salt that shows it; who deposited is kept nowhere here."""

    session_id: str
    session_name: str
    salt: str
    expires_at: datetime


class Export(ResponseBody):
    """All that is kept of a driver; ask again with `cursor` for more sessions."""

    model_config = example(
        driver_id="3f1c…",
        email="driver@example.com",
        card="visa 4242",
        locale="de-CH",
        accepted_terms=[ACCEPTED_TERMS],
        payment_customer_id="cus_1",
        cards=["visa 4242"],
        business=BUSINESS,
        devices=["phone-1"],
        usual_preferences=[],
        tokens=[RFID_TOKEN],
        reservations=[],
        notices=[],
        fault_reports=[],
        watches=[WATCH],
        disputes=[],
        wallets=[],
        deposits=[],
        organisations=["acme-fleet"],
        cars=[KEPT_CAR],
        sessions=[examples.SESSION],
        next_cursor=None,
    )
    driver_id: str
    email: str
    card: str | None
    locale: str
    accepted_terms: list[AcceptedTermsView]
    payment_customer_id: str | None
    cards: list[str]
    business: BusinessView | None
    devices: list[str]
    usual_preferences: list[UsualPreferencesItem]
    tokens: list[TokenView]
    reservations: list[ReservationView]
    notices: list[ExportedNotice]
    fault_reports: list[FaultReportView]
    watches: list[WatchView]
    disputes: list[ExportedDispute]
    wallets: list[ExportedWallet]
    deposits: list[ExportedDeposit]
    organisations: Annotated[list[str], Field(description="that pay for them")]
    cars: list[KeptCar]
    sessions: list[SessionView]
    next_cursor: str | None


@endpoint(
    exports,
    "GET",
    "/v1/me/export",
    answers=Export,
    errors=(400, 404),
    query={"cursor": "`next_cursor` of the page before"},
)
def export(request: Request) -> Export:
    """All that is kept of the caller, their sessions a page at a time."""
    kept = network().account_deletion.export(request.driver_id, request.query.get("cursor") or None)
    return Export(
        driver_id=kept.driver.driver_id,
        email=kept.driver.email,
        card=kept.driver.card,
        locale=kept.driver.locale,
        accepted_terms=accepted_views(kept.driver),
        payment_customer_id=kept.driver.customer_id,
        cards=[it.label for it in kept.driver.wallet],
        business=business(kept.driver.business) if kept.driver.business else None,
        devices=[it.device_id for it in kept.driver.devices],
        usual_preferences=usual_view(kept.driver.usual),
        tokens=[token(it) for it in kept.tokens],
        reservations=[reservation(it) for it in kept.reservations],
        notices=[ExportedNotice(kind=it.kind, session_id=it.session_id or None, at=it.at) for it in kept.notices],
        fault_reports=[fault_report(it) for it in kept.fault_reports],
        watches=[watch_view(it) for it in kept.watches],
        disputes=[
            ExportedDispute(session_id=it.session_id, dispute=dispute_view(said))
            for it in kept.sessions
            for said in it.disputes
        ],
        wallets=[
            ExportedWallet(wallet=wallet_view(it), entries=[entry_view(entry) for entry in entries])
            for it, entries in kept.wallets
        ],
        deposits=[
            ExportedDeposit(
                session_id=it.session_id, session_name=f"0x{it.name}", salt=it.salt, expires_at=it.expires_at
            )
            for it in kept.deposits
        ],
        organisations=[it.organisation_id for it in kept.driver.organisations.values()],
        cars=[kept_car(it) for it in kept.cars],
        sessions=page([progress(it) for it in kept.sessions], is_watched=True),
        next_cursor=kept.next_cursor,
    )
