"""People with accounts; what others than the driver change stands apart from what the driver does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from chalicelib.adapters.dynamo import decode, encode, find, put, update
from chalicelib.adapters.tables import DriverRow
from chalicelib.records import Conflict
from chalicelib.records.drivers import Driver, Terms

_ATTEMPTS = 8


class DynamoDrivers:
    """The port Drivers. Methods make one call where they say nothing else."""

    def put(self, driver: Driver) -> None:
        """Two calls for a new driver."""
        body = encode(replace(driver, terms={}, owes=frozenset()))
        row = DriverRow(driver.driver_id)
        if not update(row, [DriverRow.body.set(body)], DriverRow.driver_id.exists()):
            put(DriverRow(driver.driver_id, body=body, terms={}), DriverRow.driver_id.does_not_exist())

    def add_guest(self, guest: Driver, until: datetime) -> bool:
        """One call: the port Guests."""
        row = DriverRow(guest.driver_id, body=encode(guest), terms={}, expires_at=until)
        return put(row, DriverRow.driver_id.does_not_exist())

    def get(self, driver_id: str) -> Driver | None:
        row = find(DriverRow, driver_id)
        if row is None:
            return None
        terms = row.terms.attribute_values if row.terms else {}
        return replace(
            decode(Driver, row.body),
            terms={operator_id: decode(Terms, text) for operator_id, text in terms.items()},
            owes=frozenset(row.owes or ()),
        )

    def set_terms(self, driver_id: str, operator_id: str, terms: Terms) -> bool:
        agreed: Any = DriverRow.terms[operator_id]
        return update(DriverRow(driver_id), [agreed.set(encode(terms))], DriverRow.driver_id.exists())

    def owe(self, driver_id: str, session_id: str) -> None:
        update(DriverRow(driver_id), [DriverRow.owes.add({session_id})], DriverRow.driver_id.exists())

    def owe_no_more(self, driver_id: str, session_id: str) -> None:
        update(DriverRow(driver_id), [DriverRow.owes.delete({session_id})], DriverRow.driver_id.exists())

    def forget(self, driver_id: str) -> None:
        DriverRow(driver_id).delete()

    def change(self, driver_id: str, change: Callable[[Driver], Driver]) -> Driver | None:
        """Two calls, and two more for each time that somebody else was quicker."""
        for _ in range(_ATTEMPTS):
            row = find(DriverRow, driver_id)
            if row is None:
                return None
            before, after = row.body, change(decode(Driver, row.body))
            if update(row, [DriverRow.body.set(encode(after))], DriverRow.body == before):
                return after
        raise Conflict(f"driver {driver_id} is being changed by others")
