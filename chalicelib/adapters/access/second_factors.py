"""Second factors in DynamoDB, in the person's row: since when their logins need a code, and which had one.

A login is named as its tokens name it. The ten newest are kept: more than that are nobody's devices.
"""

from __future__ import annotations

from datetime import datetime

from chalicelib.adapters.dynamo import update, update_and_read
from chalicelib.adapters.tables import DriverRow

_MOST_LOGINS = 10


def proven_logins_of(row: DriverRow) -> frozenset[str]:
    """The logins of the person of that row that had a code."""
    return frozenset(it.partition("/")[2] for it in row.proven or ())


class DynamoSecondFactors:
    """The port SecondFactors. Methods make one call where they say nothing else."""

    def note_proven(self, person_id: str, login_id: str, at: datetime) -> None:
        """One call, and another one where there are too many."""
        row, since = DriverRow(person_id), DriverRow.second_factor_since
        changes = [DriverRow.proven.add({f"{int(at.timestamp()):011}/{login_id}"}), since.set(since | at)]
        if update_and_read(row, changes, DriverRow.driver_id.exists()):
            old = sorted(row.proven or ())[:-_MOST_LOGINS]
            if old:
                update(DriverRow(person_id), [DriverRow.proven.delete(set(old))], DriverRow.driver_id.exists())

    def forget(self, person_id: str) -> None:
        gone = [DriverRow.proven.remove(), DriverRow.second_factor_since.remove()]
        update(DriverRow(person_id), gone, DriverRow.driver_id.exists())
