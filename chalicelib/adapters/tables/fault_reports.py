"""Table of what drivers report of chargers."""

from __future__ import annotations

from pynamodb.attributes import TTLAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model

from chalicelib.adapters.tables.base import PREFIX, OnDemand


class FaultReportsByOperator(GlobalSecondaryIndex["FaultReportRow"]):  # type: ignore[no-untyped-call]
    """Finds an operator's reports by time."""

    class Meta:
        index_name = "by_operator"
        projection = AllProjection()

    operator_id = UnicodeAttribute(hash_key=True)
    created_at = UTCDateTimeAttribute(range_key=True)


class OpenFaultReports(GlobalSecondaryIndex["FaultReportRow"]):  # type: ignore[no-untyped-call]
    """Finds those that an operator has yet to close; others are not here."""

    class Meta:
        index_name = "open"
        projection = AllProjection()

    open_operator = UnicodeAttribute(hash_key=True)
    created_at = UTCDateTimeAttribute(range_key=True)


class FaultReportsByDriver(GlobalSecondaryIndex["FaultReportRow"]):  # type: ignore[no-untyped-call]
    """Finds a driver's reports by time."""

    class Meta:
        index_name = "by_driver"
        projection = AllProjection()

    driver_id = UnicodeAttribute(hash_key=True)
    created_at = UTCDateTimeAttribute(range_key=True)


class FaultReportRow(Model):
    """A report as one JSON text; `open_operator` until it is closed."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}faults"

    report_id = UnicodeAttribute(hash_key=True)
    operator_id = UnicodeAttribute()
    driver_id = UnicodeAttribute()
    created_at = UTCDateTimeAttribute()
    body = UnicodeAttribute()
    open_operator = UnicodeAttribute(null=True)
    expires_at = TTLAttribute()

    by_operator = FaultReportsByOperator()
    open = OpenFaultReports()
    by_driver = FaultReportsByDriver()
