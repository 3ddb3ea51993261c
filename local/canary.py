"""The product's canary on this machine: the same round as on AWS, against this stack's own doors."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from contextlib import suppress

from chalicelib.canary.handler import CanaryFailed, Round, round_of
from chalicelib.canary.person import OPERATOR
from local import identity
from local.client import ApiError, Person
from local.stack import Stack

EMAIL = "canary@kerb.example"
PERIOD_S = 300.0
_WITHIN_S = 60.0


class Canary:
    """Opens its account, as `make deploy` does on AWS; a round each five minutes from `start` to `stop`."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._password = f"Aa1{secrets.token_hex(16)}"
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        with suppress(ApiError):  # the account of an earlier one of this stack is another's
            Person(stack.http_url, EMAIL, self._password).register()
        identity.add_to_group(stack.user_pool_id, EMAIL, f"operator:{OPERATOR}")

    def round(self, socket_url: str | None = None) -> Round:
        """A round that has not begun; through another door than the stack's, if one is named."""
        door = socket_url or self._stack.socket_url
        return round_of(self._stack.http_url, door, self._password, within_s=_WITHIN_S, pause_s=0.05)

    def charge(self, one: Round | None = None, *, anew: bool = False) -> Round:
        """Let a round run. Raises CanaryFailed."""
        one = one or self.round()
        one.run(EMAIL, self._password, anew=anew)
        return one

    def start(self, tell: Callable[[str], object], period_s: float = PERIOD_S) -> None:
        """Charge now and every so many seconds; `tell` is told how it went."""

        def go_on() -> None:
            while True:
                try:
                    took_ms = self.charge().took_ms
                    tell(f"charged in {sum(took_ms.values()) / 1000:.1f} s: {took_ms}")
                except CanaryFailed as failed:
                    tell(f"FAILED at {failed}")
                if self._stopping.wait(period_s):
                    return

        self._thread = threading.Thread(target=go_on, name="canary", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Begin no other round; the one under way is waited for."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=_WITHIN_S)
