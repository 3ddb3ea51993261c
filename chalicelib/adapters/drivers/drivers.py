"""People with accounts; what others than the driver change stands apart from what the driver does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from chalicelib.adapters.access.members import memberships_of
from chalicelib.adapters.access.second_factors import proven_logins_of
from chalicelib.adapters.dynamo import (
    decode,
    delete,
    encode,
    find,
    put,
    shard_of,
    shards_of,
    some_due,
    update,
    update_and_read,
)
from chalicelib.adapters.expressions import Change
from chalicelib.adapters.tables import DriverRow
from chalicelib.domain.charging.starts import MOST_ABROAD
from chalicelib.records import Conflict
from chalicelib.records.drivers import Driver, Terms
from chalicelib.records.parts import SHARDS

_ATTEMPTS = 8
# What others write, of who somebody is to operators and the platform.
_APART: Mapping[str, Any] = {
    "memberships": {},
    "second_factor_since": None,
    "proven_logins": frozenset(),
    "is_platform": False,
}
_CARD = "card/"
# A reservation lasts an hour at the most, and its session bears its name; what began before is in every list by now.
_LATELY_S = 2 * 3600
_MOST_OLD = 8
# In place of a month: there are few, and each for a moment.
_LEAVING = "leaving"
# Longer than any request, so that what was about to begin as somebody left either has begun or never will.
_LEAVING_S = 120


class DynamoDrivers:
    """The port Drivers. Methods make one call where they say nothing else."""

    def put(self, driver: Driver) -> None:
        """Two calls for a new driver."""
        body = encode(replace(driver, terms={}, owes=frozenset(), card_owes=frozenset(), **_APART))
        row = DriverRow(driver.driver_id)
        if not update(row, [DriverRow.body.set(body), _listed(driver)], DriverRow.driver_id.exists()):
            row = DriverRow(driver.driver_id, body=body, terms={}, card_expires=_place(driver))
            put(row, DriverRow.driver_id.does_not_exist())

    def add_guest(self, guest: Driver, until: datetime) -> bool:
        """One call: the port Guests."""
        row = DriverRow(guest.driver_id, body=encode(guest), terms={}, expires_at=until)
        return put(row, DriverRow.driver_id.does_not_exist())

    def get(self, driver_id: str) -> Driver | None:
        row = find(DriverRow, driver_id)
        if row is None or row.body is None:
            return None
        terms = row.terms or {}
        return replace(
            decode(Driver, row.body),
            terms={operator_id: decode(Terms, text) for operator_id, text in terms.items()},
            owes=frozenset(row.owes or ()),
            card_owes=frozenset(row.card_owes or ()),
            memberships=memberships_of(row),
            second_factor_since=row.second_factor_since,
            proven_logins=proven_logins_of(row),
            is_platform=bool(row.is_platform),
        )

    def set_terms(self, driver_id: str, operator_id: str, terms: Terms) -> bool:
        agreed = DriverRow.terms.set_entry(operator_id, encode(terms))
        return update(DriverRow(driver_id), [agreed], DriverRow.driver_id.exists())

    def owe(self, driver_id: str, session_id: str, *, follows_card: bool = True) -> None:
        """One call, and where it follows a card one for each of the driver's and for each who shares it."""
        row = DriverRow(driver_id)
        added = [DriverRow.owes.add({session_id})]
        if not update_and_read(row, added, DriverRow.driver_id.exists()) or not follows_card:
            return
        for fingerprint in _fingerprints(row):
            card = DriverRow(_CARD + fingerprint)
            update_and_read(card, added)
            for other in set(card.holders or ()) - {driver_id}:
                mark = {f"{fingerprint}/{session_id}"}
                update(DriverRow(other), [DriverRow.card_owes.add(mark)], DriverRow.driver_id.exists())

    def owe_no_more(self, driver_id: str, session_id: str) -> None:
        """One call, and one for each of the driver's cards and for each who shares it."""
        row = DriverRow(driver_id)
        if not update_and_read(row, [DriverRow.owes.delete({session_id})], DriverRow.driver_id.exists()):
            return
        for fingerprint in _fingerprints(row):
            card = DriverRow(_CARD + fingerprint)
            update_and_read(card, [DriverRow.owes.delete({session_id})])
            for holder in card.holders or ():
                mark = {f"{fingerprint}/{session_id}"}
                update(DriverRow(holder), [DriverRow.card_owes.delete(mark)], DriverRow.driver_id.exists())

    def share_card(self, driver_id: str, fingerprint: str) -> None:
        """One call, and two more where others owe by it: those who owe meanwhile find the driver there."""
        card = DriverRow(_CARD + fingerprint)
        update_and_read(card, [DriverRow.holders.add({driver_id})])
        row = find(DriverRow, driver_id) if card.owes else None
        marks = {f"{fingerprint}/{it}" for it in set(card.owes or ()) - set(row.owes or () if row else ())}
        if marks:
            update(DriverRow(driver_id), [DriverRow.card_owes.add(marks)], DriverRow.driver_id.exists())

    def begin(
        self, driver_id: str, name: str, at: datetime, *, is_abroad: bool = False
    ) -> Mapping[str, datetime] | None:
        """One call, and another one now and then, to let go of what began long ago; three where that is in the way."""
        second = int(at.timestamp())
        may = DriverRow.leaving_until_s.does_not_exist() | (DriverRow.leaving_until_s < second)
        row, changes = DriverRow(driver_id), [DriverRow.begun.add({f"{second}:{name}"})]
        if is_abroad:
            abroad, mark = DriverRow.abroad, f"{at:%Y-%m-%d}/{name}"
            changes.append(abroad.add({mark}))
            may &= abroad.does_not_exist() | abroad.contains(mark) | abroad.has_fewer_than(MOST_ABROAD)
        as_it_may = DriverRow.driver_id.exists() & may
        if not update_and_read(row, changes, as_it_may) and not (
            is_abroad and self._forget_abroad(driver_id, at) and update_and_read(row, changes, as_it_may)
        ):
            return None
        old = {it for it in row.begun or () if int(it.partition(":")[0]) < second - _LATELY_S}
        if len(old) > _MOST_OLD:
            update(row, [DriverRow.begun.delete(old)], DriverRow.driver_id.exists())
        return _begun(row)

    def _forget_abroad(self, driver_id: str, at: datetime) -> bool:
        """Let go of what began abroad on other days; False where nothing did."""
        row = find(DriverRow, driver_id)
        old = {it for it in row.abroad or () if not it.startswith(f"{at:%Y-%m-%d}/")} if row else set()
        return bool(old) and update(DriverRow(driver_id), [DriverRow.abroad.delete(old)], DriverRow.driver_id.exists())

    def begin_not(self, driver_id: str, name: str, at: datetime) -> None:
        mark = {f"{int(at.timestamp())}:{name}"}
        update(DriverRow(driver_id), [DriverRow.begun.delete(mark)], DriverRow.driver_id.exists())

    def leave(self, driver_id: str, request_id: str, at: datetime) -> Mapping[str, datetime]:
        row, until_s = DriverRow(driver_id), int(at.timestamp()) + _LEAVING_S
        changes = [DriverRow.leaving.set(request_id), DriverRow.leaving_until_s.set(until_s)]
        if not update_and_read(row, changes, DriverRow.driver_id.exists()):
            raise Conflict(f"there is no driver {driver_id} any more")
        return _begun(row)

    def stay(self, driver_id: str, request_id: str) -> None:
        changes = [DriverRow.leaving.remove(), DriverRow.leaving_until_s.remove()]
        update(DriverRow(driver_id), changes, DriverRow.leaving == request_id)

    def expiring(self, month: str, shard: int | None = None) -> Iterable[Driver]:
        """A call for each shard, and one for each found."""
        for it in shards_of(shard, SHARDS):
            for key in some_due(DriverRow.expiring.query, f"{month}/{it}"):
                driver = self.get(key.driver_id)
                # The index follows the table within a second or so.
                if driver is not None and (driver.untold_expiry or "") == month:
                    yield driver

    def leaving(self) -> Iterable[str]:
        """One call; those who left this second may be missing."""
        return [it.driver_id for it in some_due(DriverRow.expiring.query, _LEAVING)]

    def forget(self, driver_id: str) -> None:
        """Two calls, and two for each of the driver's cards."""
        row = find(DriverRow, driver_id)
        for fingerprint in _fingerprints(row) if row else ():
            card = DriverRow(_CARD + fingerprint)
            update_and_read(card, [DriverRow.holders.delete({driver_id})])
            if not card.holders and not card.owes:
                _delete_unused(card)
        delete(DriverRow(driver_id))

    def change(self, driver_id: str, change: Callable[[Driver], Driver]) -> Driver | None:
        """Two calls, and two more for each time that somebody else was quicker."""
        for _ in range(_ATTEMPTS):
            row = find(DriverRow, driver_id)
            if row is None or row.body is None:
                return None
            before, after = row.body, change(decode(Driver, row.body))
            if update(row, [DriverRow.body.set(encode(after)), _listed(after)], DriverRow.body == before):
                return after
        raise Conflict(f"driver {driver_id} is being changed by others")


def _begun(row: DriverRow) -> Mapping[str, datetime]:
    begun = [it.partition(":") for it in row.begun or ()]
    return {name: datetime.fromtimestamp(int(second), UTC) for second, _, name in sorted(begun)}


def _place(driver: Driver) -> str | None:
    """Where a driver stands on the list of cards that expire, or of those who leave."""
    if driver.leaving_since is not None:
        return _LEAVING
    month = driver.untold_expiry
    return f"{month}/{shard_of(driver.driver_id, SHARDS)}" if month else None


def _listed(driver: Driver) -> Change:
    place = _place(driver)
    return DriverRow.card_expires.set(place) if place else DriverRow.card_expires.remove()


def _fingerprints(row: DriverRow) -> set[str]:
    """Of all cards that were ever saved in an account."""
    return set(decode(Driver, row.body).fingerprints.values()) if row.body else set()


def _delete_unused(card: DriverRow) -> None:
    """A card that nobody holds any more, unless somebody saved it at this moment."""
    delete(card, DriverRow.holders.does_not_exist() & DriverRow.owes.does_not_exist())
