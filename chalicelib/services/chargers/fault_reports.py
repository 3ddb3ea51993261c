"""Fault reports: a driver tells what is wrong at a charger, its operator reads, answers and closes them."""

from __future__ import annotations

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.chargers.fault_report import MOST_A_DAY, REMEMBERED_FOR, FaultKind, FaultReport
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.ports import Clock, NewId
from chalicelib.ports.chargers import Chargers, FaultReports
from chalicelib.records import Conflict
from chalicelib.services.access import NotFound, Refusal, operators_own

_SHOWN = 50


@dataclass(frozen=True, kw_only=True)
class ReportedFaults:
    """Takes reports, and shows them to those whose they are."""

    reports: FaultReports
    chargers: Chargers
    clock: Clock
    new_id: NewId

    def report(
        self, driver_id: str, charger_id: str, connector: ConnectorId | None, kind: FaultKind, text: str
    ) -> FaultReport:
        """Raises NotFound; Refusal for a driver who has reported too much today."""
        charger = self.chargers.get(charger_id)
        if charger is None or (connector is not None and connector not in charger.connectors):
            raise NotFound(f"charger {charger_id}" if connector is None else f"connector {connector} of {charger_id}")
        now = self.clock()
        newest = self.reports.of_driver(driver_id, MOST_A_DAY)
        if len(newest) >= MOST_A_DAY and newest[-1].created_at > now - REMEMBERED_FOR:
            raise Refusal("too_many_reports", f"{MOST_A_DAY} reports a day at the most")
        report = FaultReport(
            report_id=self.new_id(),
            operator_id=charger.operator_id,
            driver_id=driver_id,
            charger_id=charger_id,
            connector=connector,
            kind=kind,
            text=text,
            created_at=now,
        )
        self.reports.add(report)
        return report

    def of_driver(self, driver_id: str) -> list[FaultReport]:
        """A driver's newest reports."""
        return list(self.reports.of_driver(driver_id, _SHOWN))

    def answer(self, operator_id: str, report_id: str, answer: str, *, is_closed: bool) -> FaultReport:
        """Answer a report, and close or reopen it; the same again changes nothing. Raises NotFound, Conflict."""
        known = operators_own(self.reports.get(report_id), operator_id, f"report {report_id}")
        now = self.clock()
        after = replace(
            known,
            answer=answer,
            answered_at=known.answered_at if known.answer == answer else now,
            closed_at=(known.closed_at or now) if is_closed else None,
        )
        if after != known and not self.reports.save(known, after):
            raise Conflict("the report was changed by somebody else")
        return after
