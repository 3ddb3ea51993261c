"""Ad-hoc checkouts in DynamoDB, and the browsers that look at sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.adapters.dynamo import decode, delete, encode, find, put, update, update_and_read
from chalicelib.adapters.tables import CheckoutRow, ViewerRow
from chalicelib.domain.sessions import Checkout
from chalicelib.records.sessions import Viewer

# API Gateway ends every socket after two hours.
_ROW_KEPT = timedelta(hours=3)


class DynamoCheckouts:
    """The port Checkouts. Methods make one call."""

    def add(self, checkout: Checkout) -> None:
        row = CheckoutRow(checkout.checkout_id, body=encode(checkout), expires_at=checkout.good_until)
        put(row, CheckoutRow.checkout_id.does_not_exist())

    def get(self, checkout_id: str) -> Checkout | None:
        row = find(CheckoutRow, checkout_id)
        return decode(Checkout, row.body) if row else None


class DynamoViewers:
    """The port Viewers: a row for each socket, in the partition of its topic. Methods make one call."""

    def add(self, viewer: Viewer) -> None:
        """One call; a socket opens once."""
        row = ViewerRow(
            _topic(viewer.kind, viewer.subject),
            viewer.connection_id,
            body=encode(viewer),
            visible_until=viewer.visible_until,
            looks=0,
            expires_at=viewer.opened_at + _ROW_KEPT,
        )
        put(row)

    def of(self, kind: str, subject: str) -> Sequence[Viewer]:
        return [_viewer(row) for row in ViewerRow.query(_topic(kind, subject), consistent_read=True)]

    def look(self, kind: str, subject: str, connection_id: str, until: datetime) -> Viewer | None:
        row = ViewerRow(_topic(kind, subject), connection_id)
        looked = [ViewerRow.visible_until.set(until), ViewerRow.looks.set(ViewerRow.looks + 1)]
        return _viewer(row) if update_and_read(row, looked, ViewerRow.topic.exists()) else None

    def look_away(self, kind: str, subject: str, connection_id: str, at: datetime) -> None:
        row = ViewerRow(_topic(kind, subject), connection_id)
        update(row, [ViewerRow.visible_until.set(at)], ViewerRow.topic.exists())

    def take(self, viewer: Viewer, teller: str, at: datetime, until: datetime) -> Viewer | None:
        """One call, and a second one where another has it."""
        held_by, held_until = ViewerRow.teller, ViewerRow.teller_until
        row = _row(viewer)
        taken = [held_by.set(teller), held_until.set(until), ViewerRow.is_asked.remove()]
        is_free = ViewerRow.topic.exists() & (held_by.does_not_exist() | (held_until < at))
        while not update_and_read(row, taken, is_free):
            if update(_row(viewer), [ViewerRow.is_asked.set(True)], held_by.exists() & (held_until >= at)):
                return None
            if find(ViewerRow, row.topic, row.connection_id) is None:
                return None
        return _viewer(row)

    def give_back(self, viewer: Viewer, teller: str, seen: str) -> bool:
        """One call, and a second one where it is asked to go on."""
        held_by, asked = ViewerRow.teller, ViewerRow.is_asked
        told = [ViewerRow.seen.set(seen)]
        given_back = [*told, held_by.remove(), ViewerRow.teller_until.remove()]
        if update(_row(viewer), given_back, (held_by == teller) & asked.does_not_exist()):
            return True
        return not update(_row(viewer), [*told, asked.remove()], held_by == teller)

    def remove(self, viewer: Viewer) -> None:
        delete(_row(viewer))


def _topic(kind: str, subject: str) -> str:
    return f"{kind}/{subject}"


def _row(viewer: Viewer) -> ViewerRow:
    return ViewerRow(_topic(viewer.kind, viewer.subject), viewer.connection_id)


def _viewer(row: ViewerRow) -> Viewer:
    known = decode(Viewer, row.body)
    return replace(known, visible_until=row.visible_until, seen=row.seen or "", looks=row.looks or 0)
