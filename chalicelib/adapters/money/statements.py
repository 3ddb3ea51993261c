"""The payment provider's books of a day, copied into DynamoDB while they are compared, and how far that has come."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime

from chalicelib.adapters.dynamo import decode, encode, find, put
from chalicelib.adapters.tables import DifferenceRow
from chalicelib.records.money import Comparison, ProviderPayment

# No operator and day spells one of these: those end with a day.
_PLACE = ("progress", "progress")
_END = "~"


class DynamoStatements:
    """Statements in DynamoDB: the port Statements. Methods make one call where they say nothing else."""

    def copy(self, day: date, payments: Sequence[ProviderPayment], until: datetime) -> None:
        """One call for each twenty-five."""
        with DifferenceRow.batch_write() as batch:
            for it in {it.payment_id: it for it in payments}.values():
                batch.save(DifferenceRow(_theirs(day), _about(it), body=encode(it), expires_at=until))

    def page(self, day: date, after: str, most: int) -> tuple[Sequence[ProviderPayment], str]:
        beyond = DifferenceRow.about > after if after else None
        rows = list(DifferenceRow.query(_theirs(day), beyond, limit=most, consistent_read=True))
        if len(rows) < most:
            return [decode(ProviderPayment, row.body) for row in rows], ""
        last = _session(rows[-1].about)
        whole = [row for row in rows if _session(row.about) != last] or rows
        return [decode(ProviderPayment, row.body) for row in whole], whole[-1].about

    def sessions_between(self, day: date, first: str, last: str) -> Collection[str]:
        within = DifferenceRow.about.between(f"{first}#", f"{last}#{_END}")
        rows = DifferenceRow.query(_theirs(day), within, attributes_to_get=["operator_day", "about"])
        return {_session(row.about) for row in rows}

    def place(self) -> Comparison | None:
        row = find(DifferenceRow, *_PLACE)
        return decode(Comparison, row.body) if row else None

    def move(self, before: Comparison | None, after: Comparison) -> bool:
        as_known = DifferenceRow.about.does_not_exist() if before is None else DifferenceRow.body == encode(before)
        return put(DifferenceRow(*_PLACE, body=encode(after)), as_known)


def _theirs(day: date) -> str:
    return f"{day.isoformat()}#theirs"


def _about(payment: ProviderPayment) -> str:
    return f"{payment.session_id or ''}#{payment.payment_id}"


def _session(about: str) -> str:
    return about.rpartition("#")[0]
