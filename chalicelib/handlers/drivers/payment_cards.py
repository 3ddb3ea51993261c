"""Routes for a driver's payment cards: the list, the one that pays, and one that goes."""

from __future__ import annotations

from datetime import date

from chalice import Blueprint

from chalicelib.domain.money.card_expiry import expires_soon, has_expired
from chalicelib.handlers.drivers.account_models import CardList, CardView, Choice
from chalicelib.handlers.http.endpoint import Answer, Request, endpoint
from chalicelib.records.drivers import PaymentCard
from chalicelib.wiring import network

payment_cards = Blueprint(__name__)


@endpoint(payment_cards, "GET", "/v1/me/cards", answers=CardList)
def my_cards(request: Request) -> CardList:
    """The caller's payment cards, the oldest first, which of them pays, and which expire."""
    cards, paying = network().payment_cards.of_driver(request.driver_id)
    today = network().clock().date()
    return CardList(items=[_view(it, it.payment_method_id == paying, today) for it in cards])


@endpoint(payment_cards, "PUT", "/v1/me/cards/default", takes=Choice, status=204, errors=(404,))
def choose_card(request: Request) -> Answer:
    """Let another of the caller's cards pay from now on."""
    network().payment_cards.choose(request.driver_id, request.body.card_id)
    return Answer()


@endpoint(payment_cards, "DELETE", "/v1/me/cards/{card_id}", status=204, errors=(402, 404, 409, 503))
def remove_card(request: Request) -> Answer:
    """Remove a card; if it was the one that pays, the newest of the others does."""
    network().payment_cards.remove(request.driver_id, request.path["card_id"])
    return Answer()


def _view(card: PaymentCard, is_default: bool, today: date) -> CardView:
    return CardView(
        card_id=card.payment_method_id,
        card=card.label,
        wallet=card.wallet or None,
        expires=card.expires or None,
        expires_soon=bool(card.expires) and expires_soon(card.expires, today),
        has_expired=bool(card.expires) and has_expired(card.expires, today),
        is_default=is_default,
    )
