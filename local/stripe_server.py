"""Stripe on this machine: localstripe behind a socket, spoken to by Stripe's own SDK, nothing kept when it stops.

It has a thread and an event loop of its own, so it can stand beside whatever else a process runs; each server has
customers and payments of its own.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

import requests
from aiohttp import web

from local.stripe_fixes import Handler, IdempotencyKeys, localstripe_app
from local.stripe_webhooks import Event, Webhooks

HOST = "127.0.0.1"
# What each card is good for; the names are Stripe's (docs.stripe.com/testing).
TEST_CARDS = {
    "pm_card_visa": "4242424242424242",
    "pm_card_chargeDeclined": "4000000000000002",  # cannot even be saved
    "pm_card_chargeCustomerFail": "4000000000000341",  # can be saved, every charge is declined
    "pm_card_authenticationRequired": "4000002760003184",  # 3D Secure, when it is saved and at every charge
}
_TIMEOUT_S = 30.0
Result = TypeVar("Result")


class CardRefused(Exception):
    """The card could not be saved; the text is what the cardholder would be shown."""


class StripeServer:
    """Started once, it answers at `url` until stopped, and sends signed events to `webhook_url`, if there is one.

    With `webhooks_come_first` a request is answered only when the endpoint has heard what came of it; with
    `refuses_small_amounts` what is below Stripe's least amount of its currency is neither held, charged nor captured.
    """

    def __init__(self, webhook_url: str | None, webhook_secret: str) -> None:
        self.url = ""
        self.webhooks_come_first = False
        self.refuses_small_amounts = False
        self._webhooks = Webhooks(webhook_url, webhook_secret)
        self._keys = IdempotencyKeys()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._runner: web.AppRunner | None = None

    def start(self, port: int = 0) -> None:
        """Returns when it answers; port 0 takes any free one. Raises OSError when the port is taken."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="stripe", daemon=True)
        self._thread.start()
        try:
            self._run(self._listen(port))
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop listening and forget everything; nothing happens when it is not running."""
        if self._loop is None or self._thread is None:
            return
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._loop = self._thread = None

    def events(self, event_type: str | None = None) -> list[Event]:
        """What has happened, oldest first, delivered or not."""
        return [event for event in list(self._webhooks.events) if event_type in (None, event["type"])]

    @property
    def is_telling(self) -> bool:
        """Whether a webhook is under way, or will be tried again."""
        return bool(self._webhooks.under_way)

    def hold_webhooks(self) -> None:
        """Keep back what happens from now on."""
        self._run(_call(self._webhooks.hold))

    def release_webhooks(self, newest_first: bool = False) -> None:
        """Deliver what was kept back, in either order; returns when the endpoint has had it all."""
        self._run(self._webhooks.release(newest_first))

    def redeliver(self, event_id: str) -> int:
        """Deliver an event once more, as Stripe sometimes does; returns the endpoint's HTTP status."""
        return self._run(self._webhooks.deliver_again(event_id))

    def dispute(self, payment_id: str, status: str) -> Event:
        """A cardholder's bank disputes a payment, or decides on it. Raises ValueError for what cannot be."""
        return self._ask("/v1/_disputes", payment_intent=payment_id, status=status)

    def fail_refund(self, refund_id: str) -> Event:
        """The card's bank does not take a refund after all. Raises ValueError for an unknown one."""
        return self._ask(f"/v1/refunds/{refund_id}/_fail")

    def _ask(self, path: str, **form: str) -> Event:
        answer = requests.post(self.url + path, data=form, auth=("sk_test_kerb", ""), timeout=_TIMEOUT_S)
        if not answer.ok:
            raise ValueError(answer.json()["error"]["message"])
        found: Event = answer.json()
        return found

    async def _listen(self, port: int) -> None:
        app = localstripe_app(self._webhooks.schedule, self._handle, lambda: self.refuses_small_amounts)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, port).start()
        self.url = f"http://{HOST}:{self._runner.addresses[0][1]}"

    async def _close(self) -> None:
        await self._webhooks.stop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @web.middleware
    async def _handle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        before = set(self._webhooks.under_way)
        response = await self._keys.handle(request, handler)
        if self.webhooks_come_first:
            await asyncio.gather(*(self._webhooks.under_way - before))
        return response

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        assert self._loop is not None, "the server is not running"
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_TIMEOUT_S)


async def _call(function: Any) -> None:
    function()


def save_test_card(
    url: str, client_secret: str, publishable_key: str, card: str = "pm_card_visa", authenticate: bool = True
) -> None:
    """What Stripe.js does in a driver's browser: give a card (a key of TEST_CARDS) straight to Stripe.

    Where the bank asks, the cardholder confirms, or does not when `authenticate` is false. Raises CardRefused.
    """
    setup = f"{url}/v1/setup_intents/{client_secret.partition('_secret_')[0]}"
    known = {"key": publishable_key, "client_secret": client_secret}
    details = {
        "payment_method_data[type]": "card",
        "payment_method_data[card][number]": TEST_CARDS[card],
        "payment_method_data[card][exp_month]": "12",
        "payment_method_data[card][exp_year]": "2099",
        "payment_method_data[card][cvc]": "123",
    }
    status = _post(f"{setup}/confirm", {**known, **details})
    if status == "requires_action":
        status = _post(f"{setup}/{'confirm' if authenticate else 'cancel'}", known)
    if status != "succeeded":
        raise CardRefused("The card's bank could not confirm that it is yours.")


def give_test_card(url: str, publishable_key: str, card: str = "pm_card_visa") -> str:
    """What Stripe.js does in a guest's browser (`createPaymentMethod`): the name of a card given for one payment."""
    form = {
        "type": "card",
        "card[number]": TEST_CARDS[card],
        "card[exp_month]": "12",
        "card[exp_year]": "2099",
        "card[cvc]": "123",
        "key": publishable_key,
    }
    response = requests.post(f"{url}/v1/payment_methods", data=form, timeout=_TIMEOUT_S)
    if not response.ok:
        raise CardRefused(response.json()["error"].get("message", response.reason))
    return str(response.json()["id"])


def _post(url: str, form: dict[str, str]) -> str:
    response = requests.post(url, data=form, timeout=_TIMEOUT_S)
    if not response.ok:
        raise CardRefused(response.json()["error"].get("message", response.reason))
    return str(response.json()["status"])


def confirm_payment(url: str, client_secret: str, publishable_key: str, success: bool = True) -> None:
    """What Stripe.js does when a bank asks the cardholder to confirm a payment, and they do, or do not."""
    intent = f"{url}/v1/payment_intents/{client_secret.partition('_secret_')[0]}"
    known = {"key": publishable_key, "client_secret": client_secret}
    _post(f"{intent}/_authenticate", {**known, "success": str(success).lower()})
