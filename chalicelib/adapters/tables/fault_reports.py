"""Table of what drivers report of chargers."""

from __future__ import annotations

from pynamodb.indexes import AllProjection, GlobalSecondaryIndex

from chalicelib.adapters.attributes import ExpiryAttribute, TextAttribute, TimeAttribute
from chalicelib.adapters.row import Row
from chalicelib.adapters.tables.base import PREFIX, OnDemand


class FaultReportsByOperator(GlobalSecondaryIndex["FaultReportRow"]):  # type: ignore[no-untyped-call]
    """Finds an operator's reports by time."""

    class Meta:
        index_name = "by_operator"
        projection = AllProjection()

    operator_id = TextAttribute(hash_key=True)
    created_at = TimeAttribute(range_key=True)


class OpenFaultReports(GlobalSecondaryIndex["FaultReportRow"]):  # type: ignore[no-untyped-call]
    """Finds those that an operator has yet to close; others are not here."""

    class Meta:
        index_name = "open"
        projection = AllProjection()

    open_operator = TextAttribute(hash_key=True)
    created_at = TimeAttribute(range_key=True)


class FaultReportsByDriver(GlobalSecondaryIndex["FaultReportRow"]):  # type: ignore[no-untyped-call]
    """Finds a driver's reports by time."""

    class Meta:
        index_name = "by_driver"
        projection = AllProjection()

    driver_id = TextAttribute(hash_key=True)
    created_at = TimeAttribute(range_key=True)


class FaultReportRow(Row):
    """A report as one JSON text; `open_operator` until it is closed."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}faults"

    report_id = TextAttribute(hash_key=True)
    operator_id = TextAttribute()
    driver_id = TextAttribute()
    created_at = TimeAttribute()
    body = TextAttribute()
    open_operator = TextAttribute(null=True)
    expires_at = ExpiryAttribute()

    by_operator = FaultReportsByOperator()
    open = OpenFaultReports()
    by_driver = FaultReportsByDriver()
