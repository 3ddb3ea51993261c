"""Stripe's webhook: an event is taken only with Stripe's signature, and worked on by one process at a time.

The services are safe when they hear an event twice; Powertools' lock spares them doing the same work at the same
moment, and remembers an event for a day. An event that failed is forgotten, so that Stripe's retry is heard.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import Any

from chalice import Blueprint

from chalicelib.handlers.http.endpoint import Answer, BadRequest, Request, endpoint
from chalicelib.records.money import NotOurs, PaymentNews, PaymentsUnavailable
from chalicelib.wiring import network

webhooks = Blueprint(__name__)

_REMEMBERED_S = 24 * 3600


@endpoint(
    webhooks,
    "POST",
    "/v1/webhooks/stripe",
    status=204,
    needs_login=False,
    errors=(400, 503),
    headers={"Stripe-Signature": "proves that Stripe sent it"},
)
def stripe(request: Request) -> Answer:
    """Stripe's webhook: what became of a payment, a card setup or a dispute."""
    try:
        news = network().payments.read_webhook(request.raw_body, request.headers.get("stripe-signature", ""))
    except ValueError as error:
        raise BadRequest(str(error)) from None
    except NotOurs:
        # Refused, it would come for three days.
        return Answer()
    _hear_once()(news, webhooks.lambda_context)
    return Answer()


@cache
def _hear_once() -> Callable[[PaymentNews, Any], None]:
    """Built (and Powertools' part imported, 25 ms) on the first webhook, for most functions never see one.

    Takes the Lambda context with each event: Powertools measures its lock's life by it.
    """
    from aws_lambda_powertools.utilities.idempotency import (  # noqa: PLC0415
        DynamoDBPersistenceLayer,
        IdempotencyConfig,
        idempotent_function,
    )
    from aws_lambda_powertools.utilities.idempotency.exceptions import (  # noqa: PLC0415
        IdempotencyAlreadyInProgressError,
    )

    store = DynamoDBPersistenceLayer(table_name=os.environ.get("KERB_TABLE_PREFIX", "kerb-") + "idempotency")
    config = IdempotencyConfig(event_key_jmespath="id", expires_after_seconds=_REMEMBERED_S)

    @idempotent_function(  # type: ignore[untyped-decorator] # Powertools leaves it so
        data_keyword_argument="event", persistence_store=store, config=config
    )
    def receive(event: dict[str, str], news: PaymentNews) -> None:
        network().payment_webhooks.receive(news)

    def hear_once(news: PaymentNews, context: Any) -> None:
        config.register_lambda_context(context)
        try:
            receive(event={"id": news.event_id}, news=news)
        except IdempotencyAlreadyInProgressError:
            raise PaymentsUnavailable("this event is being worked on; send it again") from None

    return hear_once
