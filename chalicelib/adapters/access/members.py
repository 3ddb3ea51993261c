"""Operators' members in DynamoDB: what a person is stands in the person's row, an operator's list names its people.

The person's row is what counts. Whoever is on the list and is nothing there is left out; a list is written first and
never needed to refuse. `owners` of the operator's row names no more people than are owners: a new one is added when
they are, a former one taken out before, so that somebody always is one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from chalicelib.adapters.dynamo import decode, delete, encode, find, put, update
from chalicelib.adapters.tables import DriverRow, MemberRow, OperatorRow
from chalicelib.domain.access.rights import Membership
from chalicelib.records import Conflict
from chalicelib.records.access import CountedRefund

_ATTEMPTS = 8
_REFUNDS = "refunds/"
_COUNTS_KEPT = timedelta(days=2)


def memberships_of(row: DriverRow | None) -> dict[str, Membership]:
    """What the person of that row is, by operator, and when they last acted for it."""
    used = _used_of(row)
    return {name: replace(it, used_at=used.get(name)) for name, it in _kept(row).items()}


def _kept(row: DriverRow | None) -> dict[str, Membership]:
    return decode(dict[str, Membership], row.memberships) if row is not None and row.memberships else {}


def _used_of(row: DriverRow | None) -> dict[str, datetime]:
    return decode(dict[str, datetime], row.acted) if row is not None and row.acted else {}


class DynamoMemberships:
    """The port Memberships. Methods make one call where they say nothing else."""

    def of_person(self, person_id: str) -> Mapping[str, Membership]:
        return memberships_of(find(DriverRow, person_id))

    def change(
        self, person_id: str, operator_id: str, change: Callable[[Membership | None], Membership]
    ) -> Membership | None:
        """Two calls, and two more for each time that somebody else was quicker."""
        for _ in range(_ATTEMPTS):
            row = find(DriverRow, person_id)
            if row is None:
                return None
            known = _kept(row)
            after = change(known.get(operator_id))
            if after == known.get(operator_id):
                return after
            attribute = DriverRow.memberships
            as_read = attribute.does_not_exist() if row.memberships is None else attribute == row.memberships
            changes = [attribute.set(encode({**known, operator_id: after}))]
            if update(DriverRow(person_id), changes, DriverRow.driver_id.exists() & as_read):
                return after
        raise Conflict(f"what {person_id} may do is being changed by others")

    def of_operator(self, operator_id: str) -> Mapping[str, Membership]:
        """One call, and one for each hundred people."""
        listed = MemberRow.query(operator_id, consistent_read=True)
        names = [row.person_id for row in listed]
        rows = DriverRow.batch_get(names, consistent_read=True) if names else ()
        found = {row.driver_id: memberships_of(row).get(operator_id) for row in rows}
        return {name: it for name, it in sorted(found.items()) if it is not None and it.role is not None}

    def note_used(self, person_id: str, known: Mapping[str, Membership], operator_id: str, at: datetime) -> None:
        used = {name: it.used_at for name, it in known.items() if it.used_at is not None} | {operator_id: at}
        update(DriverRow(person_id), [DriverRow.acted.set(encode(used))], DriverRow.driver_id.exists())

    def note_member(self, operator_id: str, person_id: str) -> None:
        put(MemberRow(operator_id, person_id))

    def note_owner(self, operator_id: str, person_id: str) -> None:
        update(OperatorRow(operator_id), [OperatorRow.owners.add({person_id})])

    def owner_no_more(self, operator_id: str, person_id: str) -> bool:
        """One call, and another where it is refused."""
        owners, row = OperatorRow.owners, OperatorRow(operator_id)
        is_not_the_last = owners.contains(person_id) & ~owners.has_fewer_than(2)
        if update(row, [owners.delete({person_id})], is_not_the_last):
            return True
        known = find(OperatorRow, operator_id)
        return known is None or person_id not in (known.owners or ())

    def forget_person(self, person_id: str) -> None:
        """Two calls, and two for each operator."""
        for operator_id in self.of_person(person_id):
            update(OperatorRow(operator_id), [OperatorRow.owners.delete({person_id})])
            delete(MemberRow(operator_id, person_id))
        # Last, for by it the others are found.
        update(DriverRow(person_id), [DriverRow.memberships.remove()], DriverRow.driver_id.exists())


class DynamoRefundAllowances:
    """The port RefundAllowances. One call, and another where it is refused."""

    def take(self, refund: CountedRefund, most_minor: int) -> bool:
        key = (f"{_REFUNDS}{refund.person_id}", f"{refund.day.isoformat()}/{refund.currency}")
        spent, names = MemberRow.refunded_minor, MemberRow.refunds
        until = datetime.combine(refund.day, time(), UTC) + _COUNTS_KEPT
        changes = [spent.add(refund.amount_minor), names.add({refund.name}), MemberRow.expires_at.set(until)]
        is_new = names.does_not_exist() | ~names.contains(refund.name)
        fits = spent.does_not_exist() | (spent <= most_minor - refund.amount_minor)
        if refund.amount_minor <= most_minor and update(MemberRow(*key), changes, is_new & fits):
            return True
        known = find(MemberRow, *key)
        return known is not None and refund.name in (known.refunds or ())
