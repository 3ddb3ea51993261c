"""What localstripe needs to be Stripe for Kerb: it keeps nothing, forgets nothing it was told, and tells all it does.

Stripe describes what is added here in its API reference: PaymentIntent, SetupIntent, Event, "Idempotent requests".
"""

from __future__ import annotations

import importlib
import random
import sys
import threading
import warnings
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from local.stripe_dashboard import dashboard_endpoints
from local.stripe_minimums import refuse_small_amounts

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Schedule = Callable[[Any], None]

_importing = threading.Lock()


def localstripe_app(
    schedule_webhook: Schedule, outermost: Any, refuses_small_amounts: Callable[[], bool] = lambda: False
) -> web.Application:
    """localstripe with an empty memory of its own, nothing on disk, every event handed to `schedule_webhook`.

    `outermost` is the middleware that sees a request first; amounts below Stripe's least are refused while
    `refuses_small_amounts()`.
    """
    server, resources = _own_copy()
    resources.Store.dump_to_disk = lambda store: None
    # Ids that do not repeat when a test sets the seed of all that is random.
    resources.random = random.SystemRandom()
    resources.schedule_webhook = schedule_webhook
    _take_new_parameters(resources)
    refuse_small_amounts(resources, refuses_small_amounts)
    _tell_what_is_held_and_taken(resources)
    _list_payments(resources)
    app = web.Application(middlewares=[outermost, server.error_middleware, _let_browsers_give_cards(server)])
    app.on_response_prepare.append(server.add_cors_headers)
    for path, function in _better_endpoints(resources).items():
        app.router.add_post(path, server.api_extra(function, path))
    for route in server.app.router.routes():
        app.router.add_route(route.method, route.resource.canonical, route.handler)
    return app


def _own_copy() -> tuple[Any, Any]:
    """localstripe's modules, imported anew: its state lives in them, and two servers must not share customers."""
    with _importing, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its handlers are older than aiohttp's taste
        server = importlib.import_module("localstripe.server")
        resources = sys.modules["localstripe.resources"]
        for name in [name for name in sys.modules if name.partition(".")[0] == "localstripe"]:
            del sys.modules[name]
    return server, resources


def _let_browsers_give_cards(server: Any) -> Any:
    """Stripe.js makes payment methods with the publishable key; everything else needs what localstripe asks for."""

    @web.middleware
    async def authorized(request: web.Request, handler: Handler) -> web.StreamResponse:
        if (request.method, request.path) == ("POST", "/v1/payment_methods"):
            data = await server.get_post_data(request, remove_auth=False)
            if str(data.get("key", "")).startswith("pk_"):
                return await handler(request)
        return await server.auth_middleware(request, handler)  # type: ignore[no-any-return]

    return authorized


def _take_new_parameters(resources: Any) -> None:
    """Parameters that Stripe has come to know since (API version 2026-09-30)."""
    for resource in (resources.PaymentIntent, resources.SetupIntent):
        resource._api_create = classmethod(_creation(resource._api_create.__func__))
    resources.PaymentIntent.description = None


def _creation(create: Callable[..., Any]) -> Callable[..., Any]:
    def api_create(
        resource: Any,
        /,
        description: str | None = None,
        allowed_payment_method_types: list[str] | None = None,
        **data: Any,
    ) -> Any:
        wish = data.get("payment_method_options", {}).get("card", {}).get("request_incremental_authorization")
        created = create(resource, payment_method_types=allowed_payment_method_types, **data)
        created.description = description
        created._can_be_raised = wish == "if_available"
        return created

    return api_create


def _tell_what_is_held_and_taken(resources: Any) -> None:
    payment_intent = resources.PaymentIntent
    create_charge = payment_intent._create_charge

    def create_charge_and_tell(intent: Any, on_failure_now: Callable[[], None]) -> None:
        create_charge(intent, on_failure_now)
        if intent.latest_charge is not None:
            intent.latest_charge.payment_intent = intent.id
        if intent.status == "requires_capture":
            resources.schedule_webhook(resources.Event("payment_intent.amount_capturable_updated", intent))

    def amount_capturable(intent: Any) -> int:
        return intent.amount if intent.status == "requires_capture" else 0

    def amount_received(intent: Any) -> int:
        return intent.latest_charge.amount_captured if intent.status == "succeeded" else 0

    def amount_captured(charge: Any) -> int:
        # localstripe gives back what a capture leaves as a refund of the charge, a person's as one of the payment.
        left = sum(it.amount for it in charge.refunds._list if it.payment_intent is None)
        return charge.amount - left if charge.captured else 0

    def amount_refunded(charge: Any) -> int:
        return sum(it.amount for it in charge.refunds._list if it.status != "failed")

    resources.Charge.amount_captured = property(amount_captured)
    resources.Charge.amount_refunded = property(amount_refunded)
    payment_intent.amount_capturable = property(amount_capturable)
    payment_intent.amount_received = property(amount_received)
    payment_intent._create_charge = create_charge_and_tell


def _list_payments(resources: Any) -> None:
    """Of a time, newest first, a page at a time."""
    payment_intent = resources.PaymentIntent

    def api_list_all(
        url: str,
        created: dict[str, Any] | None = None,
        limit: Any = None,
        starting_after: str | None = None,
    ) -> Any:
        bounds = {name: int(value) for name, value in (created or {}).items()}
        found = resources.List(url, limit=limit, starting_after=starting_after)
        everything = [it for key, it in resources.store.items() if key.startswith("payment_intent:")]
        within = [it for it in everything if bounds.get("gte", 0) <= it.created < bounds.get("lt", 1 << 62)]
        found._list = sorted(within, key=lambda it: it.created, reverse=True)
        return found

    payment_intent._api_list_all = staticmethod(api_list_all)


def _better_endpoints(resources: Any) -> dict[str, Callable[..., Any]]:
    def refuse_unless(verb: str, intent: Any, *statuses: str) -> None:
        if intent.status not in statuses:
            message = f"You cannot {verb} this PaymentIntent because it has a status of {intent.status}."
            raise resources.UserError(400, message, {"code": "payment_intent_unexpected_state"})

    def cancel(**data: Any) -> Any:
        intent = resources.PaymentIntent._api_retrieve(data["id"])
        refuse_unless("cancel", intent, "requires_payment_method", "requires_action", "requires_capture")
        resources.PaymentIntent._api_cancel(**data)
        resources.schedule_webhook(resources.Event("payment_intent.canceled", intent))
        return intent

    def capture(**data: Any) -> Any:
        refuse_unless("capture", resources.PaymentIntent._api_retrieve(data["id"]), "requires_capture")
        return resources.PaymentIntent._api_capture(**data)

    def increment(**data: Any) -> Any:
        """Docs: "Increment an authorization"; here every card that was held so may be."""
        intent = resources.PaymentIntent._api_retrieve(data["id"])
        refuse_unless("increment", intent, "requires_capture")
        amount = int(data["amount"])
        if not intent._can_be_raised or amount <= intent.amount:
            raise resources.UserError(400, "This PaymentIntent is not eligible for incremental authorization.")
        intent.amount = intent.latest_charge.amount = amount
        return intent

    def confirm_setup(**data: Any) -> Any:
        setup = resources.SetupIntent._api_confirm(**data)
        if setup.status == "succeeded":
            resources.PaymentMethod._api_retrieve(setup.payment_method).customer = setup.customer
            resources.schedule_webhook(resources.Event("setup_intent.succeeded", setup))
        return setup

    return {
        "/v1/payment_intents/{id}/cancel": cancel,
        "/v1/payment_intents/{id}/capture": capture,
        "/v1/payment_intents/{id}/increment_authorization": increment,
        "/v1/setup_intents/{id}/confirm": confirm_setup,
        **dashboard_endpoints(resources),
    }


@dataclass(frozen=True)
class _Answer:
    """What a key was first answered, and for which request."""

    request: tuple[str, bytes]
    status: int
    body: bytes
    content_type: str


class IdempotencyKeys:
    """Stripe's: a POST with a key is done once; the same key answers the same again, and another request never."""

    def __init__(self) -> None:
        self._answers: dict[str, _Answer] = {}
        self._under_way: set[str] = set()

    async def handle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer from memory, or remember what `handler` answers."""
        key = request.headers.get("Idempotency-Key")
        if request.method != "POST" or key is None:
            return await handler(request)
        asked = (request.path, await request.read())
        if key in self._answers:
            return _replay(self._answers[key], asked)
        if key in self._under_way:
            return _refusal(409, "idempotency_key_in_use", "Another request with this idempotency key is under way.")
        self._under_way.add(key)
        try:
            response = await handler(request)
        finally:
            self._under_way.remove(key)
        # A request that failed validation was never carried out, and may be corrected.
        if isinstance(response, web.Response) and response.status not in (400, 401):
            body = bytes(response.body) if isinstance(response.body, bytes | bytearray) else b""
            self._answers[key] = _Answer(asked, response.status, body, response.headers["Content-Type"])
        return response


def _replay(answer: _Answer, asked: tuple[str, bytes]) -> web.Response:
    if answer.request != asked:
        return _refusal(400, None, "Keys for idempotent requests can only be used with the same parameters.")
    headers = {"Content-Type": answer.content_type, "Idempotent-Replayed": "true"}
    return web.Response(status=answer.status, body=answer.body, headers=headers)


def _refusal(status: int, code: str | None, message: str) -> web.Response:
    error = {"type": "idempotency_error", "code": code, "message": message}
    return web.json_response({"error": error}, status=status)
