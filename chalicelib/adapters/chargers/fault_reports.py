"""What drivers report of chargers, in DynamoDB."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from chalicelib.adapters.dynamo import NewestFirst, decode, delete_all, encode, find, put, update
from chalicelib.adapters.tables import FaultReportRow
from chalicelib.domain.chargers.fault_report import FaultReport

_KEPT_FOR = timedelta(days=400)


class DynamoFaultReports:
    """The port FaultReports. Methods make one call."""

    def add(self, report: FaultReport) -> None:
        row = FaultReportRow(
            report.report_id,
            operator_id=report.operator_id,
            driver_id=report.driver_id,
            created_at=report.created_at,
            body=encode(report),
            open_operator=report.operator_id,
            expires_at=report.created_at + _KEPT_FOR,
        )
        put(row, FaultReportRow.report_id.does_not_exist())

    def get(self, report_id: str) -> FaultReport | None:
        row = find(FaultReportRow, report_id)
        return decode(FaultReport, row.body) if row else None

    def save(self, before: FaultReport, after: FaultReport) -> bool:
        is_open = FaultReportRow.open_operator
        shown = is_open.set(after.operator_id) if after.closed_at is None else is_open.remove()
        changes = [FaultReportRow.body.set(encode(after)), shown]
        return update(FaultReportRow(after.report_id), changes, FaultReportRow.body == encode(before))

    def of_driver(self, driver_id: str, limit: int) -> Sequence[FaultReport]:
        rows = FaultReportRow.by_driver.query(driver_id, scan_index_forward=False, limit=limit)
        return [decode(FaultReport, row.body) for row in rows]

    def of_operator(
        self, operator_id: str, limit: int, before: str | None, *, open_only: bool
    ) -> tuple[Sequence[FaultReport], str | None]:
        key = "open_operator" if open_only else "operator_id"
        index = FaultReportRow.open if open_only else FaultReportRow.by_operator
        newest = NewestFirst(FaultReportRow, index.query, (key, "created_at", "report_id"))
        rows, cursor = newest.page(operator_id, limit, before)
        return [decode(FaultReport, row.body) for row in rows], cursor

    def forget_driver(self, driver_id: str) -> Iterator[int]:
        """One call for each megabyte, and one for each 25."""
        return delete_all(FaultReportRow(it.report_id) for it in FaultReportRow.by_driver.query(driver_id))
