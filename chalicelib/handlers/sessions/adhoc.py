"""Routes for ad-hoc payment: a checkout at a connector, its payment, its charge and its receipt, without an account.

A checkout's secret comes in a header: an address is written down by browsers, proxies and logs.
"""

from __future__ import annotations

from chalice import Blueprint

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.charging.limits import Limits
from chalicelib.handlers.http.endpoint import Answer, Request, endpoint
from chalicelib.handlers.sessions import views
from chalicelib.handlers.sessions.models import CheckoutPayment, CheckoutView, NewCheckout
from chalicelib.handlers.sessions.preference_models import (
    ChargingPreferencesBody,
    ChargingPreferencesView,
    preferences_of,
)
from chalicelib.records.drivers import NotAllowed
from chalicelib.services.sessions.adhoc_payments import GuestPayment
from chalicelib.wiring import network

adhoc = Blueprint(__name__)

_SECRET = {"Checkout-Secret": "what the checkout answered when it was made"}
_KEPT_BY_NOBODY = {"Cache-Control": "no-store"}


@endpoint(
    adhoc,
    "POST",
    "/v1/adhoc/checkouts",
    takes=NewCheckout,
    answers=CheckoutView,
    status=201,
    needs_login=False,
    errors=(404, 409),
)
def open_checkout(request: Request) -> Answer:
    """Offer a charge at a connector to whoever stands there: its price, and for 15 minutes a secret to pay by.

    Nothing is set aside or kept by it.
    """
    body: NewCheckout = request.body
    checkout, secret = network().adhoc_payments.open(body.charger_id, ConnectorId.parse(body.connector))
    where = {"Location": f"/v1/adhoc/checkouts/{checkout.checkout_id}"}
    return Answer(views.checkout(checkout, None, secret), headers=where)


@endpoint(
    adhoc,
    "GET",
    "/v1/adhoc/checkouts/{checkout_id}",
    answers=CheckoutView,
    needs_login=False,
    errors=(401, 404),
    headers=_SECRET,
)
def look_at_checkout(request: Request) -> Answer:
    """A checkout, and how its charge goes."""
    found = network().adhoc_payments.look(request.path["checkout_id"], _secret(request))
    return Answer(views.checkout(*found), headers=_KEPT_BY_NOBODY)


@endpoint(
    adhoc,
    "POST",
    "/v1/adhoc/checkouts/{checkout_id}/pay",
    takes=CheckoutPayment,
    answers=CheckoutView,
    status=201,
    also={200: "It was paid for before: its charge"},
    needs_login=False,
    errors=(401, 402, 404, 409, 410, 503),
    headers=_SECRET,
)
def pay_checkout(request: Request) -> Answer:
    """Set money aside on a card and begin the charge. Paying again with the same card is the same charge.

    Where the card's bank asks its holder to confirm, `session.action` says so; only what was charged is taken.
    """
    body: CheckoutPayment = request.body
    payment = GuestPayment(
        payment_method_id=body.payment_method_id,
        email=body.email or "",
        limits=Limits(**body.limits.model_dump()) if body.limits else None,
        preferences=preferences_of(body.preferences, network().clock()) if body.preferences else None,
    )
    checkout, progress, is_new = network().adhoc_payments.pay(request.path["checkout_id"], _secret(request), payment)
    return Answer(views.checkout(checkout, progress), 201 if is_new else 200)


@endpoint(
    adhoc,
    "PUT",
    "/v1/adhoc/checkouts/{checkout_id}/charging-preferences",
    takes=ChargingPreferencesBody,
    answers=ChargingPreferencesView,
    needs_login=False,
    errors=(400, 401, 404, 409),
    headers=_SECRET,
)
def prefer_as_guest(request: Request) -> ChargingPreferencesView:
    """Say when the car is to be ready, and with how much, in place of what was said before; as drivers do."""
    said = preferences_of(request.body, network().clock())
    checkout, _ = network().adhoc_payments.look(request.path["checkout_id"], _secret(request))
    session = network().driver_preferences.prefer(checkout.payer_id, checkout.session_id, said)
    return views.preferences(session, said)


@endpoint(
    adhoc,
    "DELETE",
    "/v1/adhoc/checkouts/{checkout_id}",
    answers=CheckoutView,
    status=202,
    needs_login=False,
    errors=(401, 404, 409),
    headers=_SECRET,
)
def stop_checkout(request: Request) -> CheckoutView:
    """Ask for the end of its charge; asking again changes nothing."""
    return views.checkout(*network().adhoc_payments.stop(request.path["checkout_id"], _secret(request)))


def _secret(request: Request) -> str:
    secret = request.headers.get("checkout-secret", "")
    if not secret:
        raise NotAllowed("send the checkout's secret (Checkout-Secret)")
    return str(secret)
