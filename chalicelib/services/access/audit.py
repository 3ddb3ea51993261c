"""Keeps the audit: an entry before each change, a mark where it did not come about, pages for whoever may read it.

Where no entry can be written nothing is changed either. A request made again is the same entry.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from chalicelib.domain.access.audit import AuditEntry, AuditOutcome, AuditQuery
from chalicelib.domain.data_classes import dataclass
from chalicelib.ports.access import AuditEntries

# Whoever asks for one person's entries among those of a thousand others is answered in parts.
_MOST_PAGES = 20
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AuditLog:
    """Writes and reads the audit."""

    entries: AuditEntries

    def begin(self, entry: AuditEntry) -> bool:
        """Write down what is about to be changed, one write; False where the very request was written down before."""
        return self.entries.add(entry)

    def end(self, entry: AuditEntry, outcome: AuditOutcome, problem: str = "", *, is_new: bool = True) -> None:
        """What became of it. Nothing is written where it came about the first time it was asked for."""
        if outcome is AuditOutcome.DONE and is_new:
            return
        try:
            self.entries.mark(entry, outcome, problem)
        except Exception:
            # The change is made or not made; its entry stands, and says that it was asked for.
            _log.exception("an outcome is not written down", extra={"entry_id": entry.entry_id, "outcome": outcome})

    def page(
        self, operator_id: str, query: AuditQuery, limit: int, cursor: str | None
    ) -> tuple[Sequence[AuditEntry], str | None]:
        """An operator's entries, the newest first, with what became of each; a page may be shorter than `limit`.

        Raises BadCursor for a cursor not ours.
        """
        kept: list[AuditEntry] = []
        for _ in range(_MOST_PAGES):
            found, cursor = self.entries.page(operator_id, query, limit - len(kept), cursor)
            kept += [it for it in found if query.wants(it)]
            if cursor is None or len(kept) >= limit:
                break
        return kept, cursor
