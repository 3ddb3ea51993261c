"""The message log, the history for uptime, and chargers' reports, in DynamoDB; appended and never changed.

A row's place follows from its time and from what it says, so that the same thing written twice is there once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from chalicelib.adapters.chargers.rows import CHARGER
from chalicelib.adapters.dynamo import NewestFirst, decode, encode, find, put
from chalicelib.adapters.tables import ChargerRow, HistoryRow, JournalRow, ReportRow
from chalicelib.domain.chargers.availability import Happening, LineChanged, StatusChanged
from chalicelib.domain.chargers.events import ReportKind, ReportReceived
from chalicelib.records.chargers import LoggedMessage

_LOG_KEPT = timedelta(days=30)
_REPORTS_KEPT = timedelta(days=30)
# US 23 CFR 680.116(b)(2) looks twelve months back.
_HISTORY_KEPT = timedelta(days=400)
# Enough to find how every connector stood: few chargers have more than a handful.
_LOOK_BACK = 100


class DynamoMessageLog:
    """The message log in DynamoDB: the port MessageLog; messages are kept for `kept`.

    Methods make one call; where many messages are added, one for each 25.
    """

    def __init__(self, kept: timedelta = _LOG_KEPT) -> None:
        self._kept = kept

    def add(self, *entries: tuple[str, LoggedMessage]) -> None:
        rows = [self._row(charger_id, entry) for charger_id, entry in entries]
        if len(rows) <= 1:
            for row in rows:
                put(row)
            return
        with JournalRow.batch_write() as batch:
            for row in rows:
                batch.save(row)

    def _row(self, charger_id: str, entry: LoggedMessage) -> JournalRow:
        body = encode(entry)
        return JournalRow(charger_id, _place(entry.at, body), body=body, expires_at=entry.at + self._kept)

    def page(self, charger_id: str, limit: int, before: str | None) -> tuple[Sequence[LoggedMessage], str | None]:
        journal = NewestFirst(JournalRow, JournalRow.query, ("charger_id", "position"), consistent_read=True)
        rows, cursor = journal.page(charger_id, limit, before)
        return [decode(LoggedMessage, row.body) for row in rows], cursor

    def between(self, charger_id: str, since: datetime, until: datetime, limit: int) -> Sequence[LoggedMessage]:
        """One call, and one more for each megabyte."""
        within = JournalRow.position.between(_time(since), _time(until) + "~")
        rows = JournalRow.query(charger_id, within, consistent_read=True, limit=limit)
        return [decode(LoggedMessage, row.body) for row in rows]


class DynamoHistory:
    """Changes of lines and statuses in DynamoDB: the port History.

    Methods make one call where they say nothing else.
    """

    def add(self, charger_id: str, happening: Happening) -> None:
        kind = "line" if isinstance(happening, LineChanged) else "status"
        body = f"{kind} {encode(happening)}"
        put(HistoryRow(charger_id, _place(happening.at, body), body=body, expires_at=happening.at + _HISTORY_KEPT))

    def between(self, charger_id: str, since: datetime, until: datetime) -> Sequence[Happening]:
        """Three calls, and one more for each megabyte. Since when a charger is away stands in its own row."""
        earlier = HistoryRow.query(
            charger_id, HistoryRow.position < _time(since), scan_index_forward=False, limit=_LOOK_BACK
        )
        found = [*reversed([_happening(row) for row in earlier]), *self.within(charger_id, since, until)]
        charger = find(ChargerRow, charger_id, CHARGER)
        gone_at = charger.disconnected_at if charger is not None and charger.connection_id is None else None
        if gone_at is not None and gone_at <= until:
            found.append(LineChanged(gone_at, online=False))
            found.sort(key=lambda it: it.at)
        return found

    def within(self, charger_id: str, since: datetime, until: datetime) -> Sequence[Happening]:
        """One call, and one more for each megabyte."""
        rows = HistoryRow.query(charger_id, HistoryRow.position.between(_time(since), _time(until) + "~"))
        return [_happening(row) for row in rows]


class DynamoReports:
    """Reports in parts in DynamoDB: the port Reports. Methods make one call, and one more for each megabyte read."""

    def add(self, charger_id: str, part: ReportReceived, at: datetime) -> None:
        body = encode(part)
        place = f"{part.seq_no:08d}#{_digest(body)}"
        report = _report(charger_id, part.kind, part.request_id)
        put(ReportRow(report, place, body=body, expires_at=at + _REPORTS_KEPT))

    def parts(self, charger_id: str, kind: ReportKind, request_id: int) -> Sequence[ReportReceived]:
        rows = ReportRow.query(_report(charger_id, kind, request_id), consistent_read=True)
        return [decode(ReportReceived, row.body) for row in rows]


def _report(charger_id: str, kind: ReportKind, request_id: int) -> str:
    """Quoted, so that no charger's name can spell another's report."""
    return f"{quote(charger_id, safe='')}#{kind}#{request_id}"


def _time(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _place(at: datetime, body: str) -> str:
    return f"{_time(at)}Z#{_digest(body)}"


def _happening(row: HistoryRow) -> Happening:
    kind, _, body = row.body.partition(" ")
    return decode(LineChanged, body) if kind == "line" else decode(StatusChanged, body)
