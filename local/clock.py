"""The time that the app is given on this machine: the computer's, or so many seconds ahead of it.

Only the app's own clock is moved. Chargers, the user pool's tokens, Stripe and the workflow's waits keep the true time.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """Tells the app the time, aware, UTC; `offset_s` may be set while the app runs."""

    def __init__(self) -> None:
        self.offset_s = 0.0

    def __call__(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.offset_s)
