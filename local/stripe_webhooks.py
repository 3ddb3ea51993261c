"""Events reach their endpoint signed and at least once, in no promised order, and again while it refuses them.

That is how Stripe does it (docs.stripe.com/webhooks); here a test can also decide when.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import time
from typing import Any

import aiohttp

# Stripe goes on for three days; what has not answered in eight seconds on one machine never will.
_PAUSES_S = (0.0, 0.5, 1.0, 2.0, 4.0)
_ANSWER_TIMEOUT_S = 15.0
_log = logging.getLogger(__name__)

Event = dict[str, Any]


class Webhooks:
    """One endpoint and all events so far; but for reading `events`, used from within the server's event loop."""

    def __init__(self, url: str | None, secret: str) -> None:
        self.events: list[Event] = []
        self.under_way: set[asyncio.Task[None]] = set()
        self._url = url
        self._secret = secret.encode()
        self._held: list[Event] | None = None

    def schedule(self, happened: Any) -> None:
        """Take in localstripe's event and see to its delivery."""
        event: Event = happened._export()
        self.events.append(event)
        if self._url is None:
            return
        if self._held is not None:
            self._held.append(event)
            return
        task = asyncio.get_running_loop().create_task(self._deliver(event))
        self.under_way.add(task)
        task.add_done_callback(self.under_way.discard)

    def hold(self) -> None:
        """From now on, keep back what happens."""
        self._held = self._held or []

    async def release(self, newest_first: bool) -> None:
        """Deliver what was kept back, one after another, and keep back no more."""
        held, self._held = self._held or [], None
        for event in reversed(held) if newest_first else held:
            await self._deliver(event)

    async def deliver_again(self, event_id: str) -> int:
        """One more delivery of one event, tried once; the endpoint's HTTP status. Raises LookupError."""
        for event in self.events:
            if event["id"] == event_id:
                return await self._post(event)
        raise LookupError(event_id)

    async def stop(self) -> None:
        """Give up what is under way."""
        tasks = list(self.under_way)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _deliver(self, event: Event) -> None:
        for pause_s in _PAUSES_S:
            await asyncio.sleep(pause_s)
            try:
                status = await self._post(event)
            except (aiohttp.ClientError, TimeoutError) as error:
                _log.warning("webhook %s is not delivered: %r", event["type"], error)
                continue
            if 200 <= status < 300:
                return
            _log.warning("webhook %s is refused with status %d", event["type"], status)

    async def _post(self, event: Event) -> int:
        body = json.dumps(event).encode()
        signed_at = int(time.time())
        signature = hmac.new(self._secret, b"%d.%b" % (signed_at, body), hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": f"t={signed_at},v1={signature}",
        }
        timeout = aiohttp.ClientTimeout(total=_ANSWER_TIMEOUT_S)
        async with (
            aiohttp.ClientSession(timeout=timeout) as http,
            http.post(self._url or "", data=body, headers=headers) as answer,
        ):
            return answer.status
