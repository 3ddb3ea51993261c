"""A charger's allowance: token buckets for what its password is worth in an hour, be it honest or in wrong hands.

A bucket is kept as the one moment at which it will be full again (the generic cell rate algorithm, ITU-T I.371): what
is taken moves that moment on, and no more is given once it lies further away than a whole bucket takes to fill.
"""

from __future__ import annotations

from datetime import timedelta

from chalicelib.domain.data_classes import dataclass


@dataclass(frozen=True, slots=True)
class TokenBucket:
    """Holds `burst` tokens, and gains one `every` so often."""

    name: str
    burst: int
    every: timedelta

    @property
    def fills_in(self) -> timedelta:
        """How long an empty one takes to be full."""
        return self.burst * self.every


# A charger that was away for days tells what it did meanwhile in thousands of messages, as fast as it is answered; a
# hub of thirty connectors that reads every ten seconds needs three a second, for ever.
MESSAGES = TokenBucket("messages", 10_000, timedelta(milliseconds=200))
# After days away: thirty connectors with a handful of charges each. For ever: one a minute, which no thirty plugs need.
TRANSACTIONS = TokenBucket("transactions", 240, timedelta(minutes=1))
# Who has used up its messages is let in again after this.
SILENCE = timedelta(minutes=15)
