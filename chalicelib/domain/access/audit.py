"""The audit: who changed what of an operator's, when, from where, and what it was before.

An entry is written before the change that it tells of and is never written again, so that no change is without one,
whatever fails in between. What became of it, where it did not simply come about, is a mark beside the entry.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.domain.data_classes import dataclass

KEPT_FOR = timedelta(days=400)


class AuditOutcome(StrEnum):
    """What became of a request: it came about, was refused, or broke, so that nobody can tell from here."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One request that changes something. `before` and `asked` are JSON, without secrets; empty: there was nothing.

    `who` is a person's id, or "key:" and a key's, which `person_id` made; `thing` is the route's path with its names
    filled in. `outcome` is DONE unless a mark says otherwise; `problem` then is the refusal's code.
    """

    entry_id: str
    operator_id: str
    at: datetime
    who: str
    person_id: str
    address: str
    request_id: str
    method: str
    route: str
    thing: str
    before: str = ""
    asked: str = ""
    outcome: AuditOutcome = AuditOutcome.DONE
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """Which of an operator's entries: of one thing, by one person or key, of a time; None for any."""

    thing: str | None = None
    who: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def wants(self, entry: AuditEntry) -> bool:
        """Whether the entry is one of them."""
        return self.who in (None, entry.who, entry.person_id)


def entry_id_of(*facts: str) -> str:
    """The name of an entry: one request made again, with its Idempotency-Key or by AWS itself, has the same."""
    return hashlib.sha256("\x1f".join(facts).encode()).hexdigest()[:32]
