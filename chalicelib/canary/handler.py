"""The canary's Lambda: one session from login to receipt, its steps timed; a failure is the function's own error.

So nothing is counted that AWS does not count anyway: `Errors` of this function is a session that failed, no
`Invocations` is a canary that is dead (infrastructure/canary.py).
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from chalicelib.canary.charger import Silent, SyntheticCharger
from chalicelib.canary.person import CHARGER, SyntheticPerson

# A workflow's five steps take a few seconds on AWS, and some more after a deployment.
WITHIN_S = 20.0
_PAUSE_S = 0.5


class CanaryFailed(Exception):
    """A session did not go as anybody's should; says at which step and why."""


@dataclass(kw_only=True)
class Round:
    """One session, by its id; `took_ms` is how long each step took, in order."""

    person: SyntheticPerson
    charger: SyntheticCharger
    within_s: float
    pause_s: float = _PAUSE_S
    took_ms: dict[str, int] = field(default_factory=dict)
    session_id: str = ""

    def run(self, email: str, password: str, *, anew: bool = False) -> None:
        """From login to receipt, `anew` setting its test site up first.

        Raises CanaryFailed, having put away what it began.
        """
        try:
            with self._step("login"):
                self.person.log_in(email, password)
                anew = anew or not self.person.has_charger()
                if anew:
                    self.person.set_up(password)
            with self._step("connect"):
                self.charger.connect(boots=anew)
            with self._step("start"):
                self.session_id = self.person.begin()
                asked = self.charger.wait_for("RemoteStartTransaction")
                self.charger.tell("Preparing")
                self.charger.begin(asked["idTag"])
                self._until("active")
            with self._step("charge"):
                self.charger.read()
            with self._step("stop"):
                self.person.end(self.session_id)
                self.charger.wait_for("RemoteStopTransaction")
                self.charger.end()
            with self._step("receipt"):
                self._until("completed")
                self.person.receipt(self.session_id)
        except CanaryFailed:
            # The next round wants a free connector.
            with suppress(Exception):
                self.person.end(self.session_id)
            with suppress(Exception):
                self.charger.end()
            raise
        finally:
            self.charger.leave()

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        except Exception as error:
            raise CanaryFailed(f"{name}: {type(error).__name__}: {error}") from error
        finally:
            self.took_ms[name] = round((time.monotonic() - began) * 1000)

    def _until(self, state: str) -> None:
        """Look at the session until it is so; the charger hears Kerb meanwhile."""
        deadline = time.monotonic() + self.within_s
        while (now := self.person.session(self.session_id)["state"]) != state:
            if now == "failed" or time.monotonic() > deadline:
                raise Silent(f"the session is {now}, not {state}")
            self.charger.hear(self.pause_s)


def round_of(
    api_url: str, socket_url: str, password: str, *, within_s: float = WITHIN_S, pause_s: float = _PAUSE_S
) -> Round:
    """A round by these doors that has not begun; `password` is the charger's."""
    return Round(
        person=SyntheticPerson(api_url, within_s),
        charger=SyntheticCharger(socket_url, CHARGER, password, within_s),
        within_s=within_s,
        pause_s=pause_s,
    )


def run(event: Any, context: Any) -> dict[str, int]:
    """What EventBridge calls; returns how long each step took, in ms.

    `make deploy` calls it with `{"set_up": true}`.
    """
    del context
    password = os.environ["KERB_CANARY_PASSWORD"]
    one = round_of(os.environ["KERB_CANARY_API_URL"], os.environ["KERB_CANARY_SOCKET_URL"], password)
    try:
        one.run(os.environ["KERB_CANARY_EMAIL"], password, anew=bool(event.get("set_up")))
    except CanaryFailed as failed:
        _say("ERROR", "the canary failed", why=str(failed), took_ms=one.took_ms)
        raise
    _say("INFO", "the canary charged", session_id=one.session_id, took_ms=one.took_ms)
    return one.took_ms


def _say(level: str, message: str, **more: Any) -> None:
    print(json.dumps({"level": level, "message": message, **more}))  # noqa: T201 (Lambda's log)
