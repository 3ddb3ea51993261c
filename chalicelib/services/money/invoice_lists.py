"""Lists of issued invoices and credit notes: a driver's own, found by their sessions, and an organisation's.

A driver sees no paper on which other drivers' charges stand. Nothing is kept of who has which paper beside the papers
themselves and what an organisation was billed: what a driver's sessions name is looked up.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from chalicelib.domain.charging.session import Session
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.money.invoice import Invoice
from chalicelib.ports.charging import Sessions
from chalicelib.ports.money import Invoices
from chalicelib.services.money.invoices import sources_of

Paper = tuple[Session, Invoice]


@dataclass(frozen=True, kw_only=True)
class InvoiceLists:
    """Finds papers by whose they are."""

    invoices: Invoices
    sessions: Sessions

    def of_driver(self, driver_id: str, limit: int, before: str | None) -> tuple[Sequence[Paper], str | None]:
        """The papers of so many of a driver's sessions, the newest first, each with one of those it is about.

        A page may be empty and go on all the same; one invoice of many sessions stands where its first does. Two calls
        for the sessions, two or three for each operator among them. Raises BadCursor for a cursor not ours.
        """
        found, cursor = self.sessions.of_driver(driver_id, limit, before)
        by_operator: dict[str, list[Session]] = defaultdict(list)
        for it in found:
            if it.organisation_id is None and it.has_receipt:
                by_operator[it.operator_id].append(it)
        papers = {
            (operator_id, invoice.number, invoice.draft.lines[0].session_id): invoice
            for operator_id, sold in by_operator.items()
            for invoice in self.invoices.of_all(operator_id, [source for it in sold for source in sources_of(it)])
        }
        own = {it.session_id: it for sold in by_operator.values() for it in sold}
        listed = [(own[session_id], invoice) for (_, _, session_id), invoice in papers.items() if session_id in own]
        place = {it.session_id: number for number, it in enumerate(found)}
        return sorted(listed, key=lambda it: (place[it[0].session_id], it[1].number)), cursor

    def of_organisation(self, operator_id: str, organisation_id: str, after: str, most: int) -> Sequence[Invoice]:
        """An organisation's papers by their numbers, beyond the number `after`."""
        return self.invoices.of_organisation(operator_id, organisation_id, after, most)
