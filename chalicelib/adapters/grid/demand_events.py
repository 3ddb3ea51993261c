"""Demand response in DynamoDB: an operator's events, its sites' contracts, and what holds in a site's partition."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from chalicelib.adapters.dynamo import NewestFirst, decode, delete, encode, find, put, update
from chalicelib.adapters.tables import GridRow
from chalicelib.domain.grid.delivery import Sample, quarter_of
from chalicelib.domain.grid.demand_response import Contract, DemandEvent, SiteDemand

DEMAND = "demand#"
# No site's id has such a sign.
_EVENTS, _CONTRACTS, _SAMPLES = "demand-events#", "demand-contracts#", "demand-samples#"
# What is over is shown for a day with its site; what came of it can be told for so long.
_SHOWN_FOR, _KEPT_FOR = timedelta(days=1), timedelta(days=400)


class DynamoDemandEvents:
    """The port DemandEvents. Methods make one call where they say nothing else."""

    def put(self, before: DemandEvent | None, after: DemandEvent) -> bool:
        row = GridRow(_EVENTS + after.operator_id, after.event_id, body=encode(after), version=after.revision)
        row.expires_at = after.ends_at + _KEPT_FOR
        known = GridRow.version.does_not_exist() if before is None else GridRow.version == before.revision
        return put(row, known)

    def get(self, operator_id: str, event_id: str) -> DemandEvent | None:
        row = find(GridRow, _EVENTS + operator_id, event_id)
        return decode(DemandEvent, row.body) if row is not None else None

    def page(self, operator_id: str, limit: int, before: str | None) -> tuple[Sequence[DemandEvent], str | None]:
        listed = NewestFirst(GridRow, GridRow.query, ("site_id", "item"), consistent_read=True)
        rows, cursor = listed.page(_EVENTS + operator_id, limit, before)
        return [decode(DemandEvent, row.body) for row in rows], cursor

    def sign(self, contract: Contract) -> None:
        put(GridRow(_CONTRACTS + contract.operator_id, contract.site_id, body=encode(contract)))

    def contract(self, operator_id: str, site_id: str) -> Contract | None:
        row = find(GridRow, _CONTRACTS + operator_id, site_id)
        return decode(Contract, row.body) if row is not None else None

    def end(self, operator_id: str, site_id: str) -> bool:
        return delete(GridRow(_CONTRACTS + operator_id, site_id), GridRow.body.exists())

    def contracts(self, operator_id: str) -> Iterable[Contract]:
        """A call for each megabyte: some 3,000 sites."""
        for row in GridRow.query(_CONTRACTS + operator_id, consistent_read=True):
            yield decode(Contract, row.body)

    def demand(self, demand: SiteDemand, *, is_known: bool = False) -> bool:
        row = GridRow(demand.site_id, DEMAND + demand.event_id)
        changes = [
            GridRow.body.set(encode(demand)),
            GridRow.version.set(demand.revision),
            GridRow.expires_at.set(demand.over_at + _SHOWN_FOR),
        ]
        not_older = GridRow.version <= demand.revision
        return update(row, changes, not_older if is_known else GridRow.version.does_not_exist() | not_older)

    def opt_out(self, site_id: str, event_id: str, at: datetime) -> bool:
        is_new = GridRow.version.exists() & GridRow.opted_out_at.does_not_exist()
        return update(GridRow(site_id, DEMAND + event_id), [GridRow.opted_out_at.set(at)], is_new)

    def note(self, demand: SiteDemand, sample: Sample) -> None:
        partition = f"{_SAMPLES}{demand.operator_id}#{demand.event_id}"
        row = GridRow(partition, f"{demand.site_id}#{quarter_of(sample.at).isoformat()}")
        expires_at = demand.over_at + _KEPT_FOR
        update(row, [GridRow.samples.add({encode(sample)}), GridRow.expires_at.set(expires_at)])

    def samples(self, operator_id: str, event_id: str) -> Iterable[tuple[str, Sequence[Sample]]]:
        """A call for each megabyte: some 700 quarters of an hour of a site."""
        rows = GridRow.query(f"{_SAMPLES}{operator_id}#{event_id}", consistent_read=True)
        for site_id, of_site in groupby(rows, key=lambda row: row.item.rpartition("#")[0]):
            yield site_id, [decode(Sample, it) for row in of_site for it in row.samples or ()]


def site_demand(row: GridRow) -> SiteDemand:
    """What an event asks of the site in whose partition the row lies, with when the site opted out."""
    told = decode(SiteDemand, row.body)
    stops = [it for it in (told.stopped_at, row.opted_out_at) if it is not None]
    return SiteDemand(
        event_id=told.event_id,
        operator_id=told.operator_id,
        site_id=told.site_id,
        program=told.program,
        intervals=told.intervals,
        revision=told.revision,
        floor_w=told.floor_w,
        stopped_at=min(stops, default=None),
        is_opted_out=row.opted_out_at is not None,
    )
