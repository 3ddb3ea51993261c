"""Managed sites in DynamoDB: one partition each, read by one query, its book replaced as a whole by its version."""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from itertools import groupby
from typing import TypeVar

from chalicelib.adapters.dynamo import (
    decode,
    delete,
    encode,
    find,
    put,
    replaced,
    shard_of,
    shards_of,
    update,
    update_and_read,
)
from chalicelib.adapters.grid.demand_events import DEMAND, site_demand
from chalicelib.adapters.tables import GridRow
from chalicelib.domain.chargers.charging_ability import LearntAbility
from chalicelib.domain.charging.preferences import ChargingPreferences, combined
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.grid.firmware import Firmware, OnePhase
from chalicelib.domain.grid.page_events import PageEvent
from chalicelib.domain.grid.tree import PortId
from chalicelib.domain.grid.waits import PowerWait
from chalicelib.records.grid import (
    BUSY_SHARDS,
    ManagedSite,
    NamedLimit,
    SiteBook,
    SiteState,
    StoredClaim,
    StoredPlan,
    ToldDraw,
    ToldLoad,
)

_SITE, _LOAD, _BOOK, _EVENTS, _PLAN = "site", "load", "book", "events", "plan"
_LIMIT, _CLAIM = "limit#", "claim#"
# No site's id has such a sign.
_FIRMWARES = "firmwares#"
# A limit that is over is shown for a day.
_LIMIT_KEPT = timedelta(days=1)
# Nobody charges for so long; a claim that was never ended keeps its site busy no longer.
_CLAIM_KEPT = timedelta(days=7)
# No plan reaches so far; who came while it was made is known on Monday.
_PLAN_KEPT = timedelta(days=7)
# Before the number of a shard: that of claims that may be planned.
_WISHING = "w"


@dataclass(frozen=True, slots=True)
class _Needs:
    """What a car asks for at a port."""

    asked_wh: int | None = None
    departs_at: datetime | None = None


class DynamoManagedSites:
    """The port ManagedSites. Methods make one call where they say nothing else."""

    def state(self, site_id: str, *, consistent: bool = True) -> SiteState | None:
        """One call for each megabyte: a site of 500 ports has half of one."""
        rows = {row.item: row for row in GridRow.query(site_id, consistent_read=consistent)}
        if _SITE not in rows:
            return None
        book, load, events, plan = rows.get(_BOOK), rows.get(_LOAD), rows.get(_EVENTS), rows.get(_PLAN)
        return SiteState(
            managed=decode(ManagedSite, _unpacked(rows[_SITE].body)),
            book=decode(SiteBook, _unpacked(book.body)) if book is not None else SiteBook(),
            claims=tuple(_claim(row) for item, row in rows.items() if item.startswith(_CLAIM)),
            load=decode(ToldLoad, load.body) if load is not None else None,
            limits=tuple(decode(NamedLimit, row.body) for item, row in rows.items() if item.startswith(_LIMIT)),
            events=tuple(
                sorted(
                    (decode(PageEvent, it) for it in (events and events.events) or ()), key=lambda it: (it.at, it.name)
                )
            ),
            plan=decode(StoredPlan, _unpacked(plan.body)) if plan is not None else None,
            demands=tuple(site_demand(row) for item, row in rows.items() if item.startswith(DEMAND)),
        )

    def put(self, managed: ManagedSite) -> None:
        put(GridRow(managed.tree.site_id, _SITE, body=_packed(encode(managed))))

    def get(self, site_id: str) -> ManagedSite | None:
        row = find(GridRow, site_id, _SITE)
        return decode(ManagedSite, _unpacked(row.body)) if row is not None else None

    def remove(self, site_id: str) -> None:
        """A call for each row, the site's own first: from then on it is not managed."""
        delete(GridRow(site_id, _SITE))
        for row in GridRow.query(site_id, consistent_read=True):
            delete(GridRow(site_id, row.item))

    def clear_away(self, site_id: str) -> None:
        """A query, and a call for each row."""
        items = [row.item for row in GridRow.query(site_id, consistent_read=True)]
        for item in items if _SITE not in items else ():
            delete(GridRow(site_id, item))

    def keep(self, site_id: str, book: SiteBook, *, is_awaited: bool) -> bool:
        version = book.version
        known = GridRow.version == version - 1 if version > 1 else GridRow.version.does_not_exist()
        row = GridRow(site_id, _BOOK, body=_packed(encode(book)), version=version)
        row.busy_shard = shard_of(site_id, BUSY_SHARDS) if is_awaited else None
        return put(row, known)

    def heard(self, site_id: str, *events: PageEvent) -> None:
        update(GridRow(site_id, _EVENTS), [GridRow.events.add({encode(it) for it in events})])

    def folded(self, site_id: str, events: Sequence[PageEvent]) -> None:
        """No call for none."""
        if events:
            update(GridRow(site_id, _EVENTS), [GridRow.events.delete({encode(it) for it in events})])

    def begin(self, claim: StoredClaim) -> bool:
        row = _claim_row(claim.site_id, claim.port_id)
        row.session_id = claim.session_id
        row.body = encode(claim)
        row.busy_shard = shard_of(claim.site_id, BUSY_SHARDS)
        if claim.preferences is not None:
            row.busy_shard = _WISHING + row.busy_shard
        row.draw = row.draw_before = row.draw_first = ""
        row.first_wh = claim.first_wh
        row.expires_at = claim.begun_at + _CLAIM_KEPT
        return put(row, GridRow.session_id.does_not_exist() | (GridRow.session_id != claim.session_id))

    def end(self, site_id: str, port_id: PortId, session_id: str) -> bool:
        return delete(_claim_row(site_id, port_id), GridRow.session_id == session_id)

    def drew(
        self, site_id: str, port_id: PortId, session_id: str, draw: ToldDraw, energy_wh: int | None
    ) -> Sequence[ToldDraw]:
        row = _claim_row(site_id, port_id)
        changes = [
            GridRow.draw_first.set(GridRow.draw_before),
            GridRow.draw_before.set(GridRow.draw),
            GridRow.draw.set(encode(draw)),
        ]
        if energy_wh is not None:
            changes += [GridRow.first_wh.set(GridRow.first_wh | energy_wh), GridRow.last_wh.set(energy_wh)]
        if not update_and_read(row, changes, GridRow.session_id == session_id):
            return ()
        return _draws(row)

    def needs(self, site_id: str, port_id: PortId, asked_wh: int | None, departs_at: datetime | None) -> bool:
        told = encode(_Needs(asked_wh, departs_at))
        changes = [GridRow.needs.set(told), GridRow.busy_shard.set(_wishing(site_id))]
        return update(_claim_row(site_id, port_id), changes, GridRow.session_id.exists())

    def prefer(self, site_id: str, port_id: PortId, session_id: str, preferences: ChargingPreferences) -> bool:
        changes = [GridRow.wishes.set(encode(preferences)), GridRow.busy_shard.set(_wishing(site_id))]
        return update(_claim_row(site_id, port_id), changes, GridRow.session_id == session_id)

    def keep_plan(self, site_id: str, plan: StoredPlan) -> bool:
        version = plan.version
        known = GridRow.version == version - 1 if version > 1 else GridRow.version.does_not_exist()
        row = GridRow(site_id, _PLAN, body=_packed(encode(plan)), version=version)
        row.expires_at = plan.planned_at + _PLAN_KEPT
        return put(row, known)

    def wait_told(self, claim: StoredClaim, wait: PowerWait | None) -> bool:
        change = GridRow.wait.set(encode(wait)) if wait is not None else GridRow.wait.remove()
        return update(_claim_row(claim.site_id, claim.port_id), [change], GridRow.session_id == claim.session_id)

    def wait(self, site_id: str, port_id: PortId, session_id: str) -> PowerWait | None:
        row = find(GridRow, site_id, f"{_CLAIM}{port_id}", consistent=False)
        is_its = row is not None and row.session_id == session_id
        return decode(PowerWait, row.wait) if row is not None and is_its and row.wait else None

    def tell_load(self, site_id: str, told: ToldLoad) -> ToldLoad | None:
        """Two calls where it is older than what is known."""
        not_older = GridRow.told_at.does_not_exist() | (GridRow.told_at <= told.at)
        # Whoever tells it is looked after, be nobody charging: that it is told no more is to be noticed.
        shard = GridRow.busy_shard.set(shard_of(site_id, BUSY_SHARDS))
        changes = [GridRow.body.set(encode(told)), GridRow.told_at.set(told.at), shard]
        before = replaced(GridRow(site_id, _LOAD), changes, not_older)
        if before is None:
            before = find(GridRow, site_id, _LOAD)
        return decode(ToldLoad, before.body) if before is not None and before.body else None

    def forget_load(self, site_id: str) -> None:
        delete(GridRow(site_id, _LOAD))

    def limit(self, site_id: str, limit: NamedLimit) -> None:
        row = GridRow(site_id, _LIMIT + limit.limit_id, body=encode(limit))
        row.expires_at = limit.limit.ends_at + _LIMIT_KEPT
        put(row)

    def lift(self, site_id: str, limit_id: str) -> bool:
        return delete(GridRow(site_id, _LIMIT + limit_id), GridRow.body.exists())

    def busy(self, shard: int | None = None) -> Iterable[str]:
        """Two calls for each shard, and one more for each megabyte of claims: some 8,000."""
        for it in shards_of(shard, BUSY_SHARDS):
            wishing = set(_sites_in(_WISHING + it))
            yield from wishing
            yield from (site_id for site_id in _sites_in(it) if site_id not in wishing)

    def wishing(self, shard: int | None = None) -> Iterable[str]:
        """A call for each megabyte of claims in each shard: some 8,000."""
        for it in shards_of(shard, BUSY_SHARDS):
            yield from _sites_in(_WISHING + it)


_Learnt = TypeVar("_Learnt", LearntAbility, OnePhase)


class DynamoFirmwares:
    """The port Firmwares: a row each in a partition of theirs. Methods make one call where they say nothing else."""

    def of(self, name: str) -> Firmware:
        row = find(GridRow, _FIRMWARES, name)
        return decode(Firmware, row.body) if row is not None else Firmware(name=name)

    def learn(self, before: Firmware, after: Firmware) -> None:
        """Two calls: whoever proves something else of the same firmware in between proves it again."""
        known = self.of(after.name)
        told = replace(
            after,
            learnt=merged(known.learnt, before.learnt, after.learnt),
            one_phase=merged(known.one_phase, before.one_phase, after.one_phase),
        )
        if told.keeps_when_booted == before.keeps_when_booted:
            told = replace(told, keeps_when_booted=known.keeps_when_booted)
        put(GridRow(_FIRMWARES, after.name, body=encode(told)))


def merged(known: _Learnt, before: _Learnt, after: _Learnt) -> _Learnt:
    """What is known, with all that is another after than before."""
    changed = {
        it.name: getattr(after, it.name) for it in fields(after) if getattr(after, it.name) != getattr(before, it.name)
    }
    return replace(known, **changed)


def _claim_row(site_id: str, port_id: PortId) -> GridRow:
    return GridRow(site_id, f"{_CLAIM}{port_id}")


def _wishing(site_id: str) -> str:
    return _WISHING + shard_of(site_id, BUSY_SHARDS)


def _sites_in(shard: str) -> Iterable[str]:
    return (site_id for site_id, _ in groupby(GridRow.busy.query(shard), key=lambda row: row.site_id))


def _claim(row: GridRow) -> StoredClaim:
    begun = decode(StoredClaim, row.body)
    needs = decode(_Needs, row.needs) if row.needs else _Needs(begun.asked_wh, begun.departs_at)
    preferences = decode(ChargingPreferences, row.wishes) if row.wishes else begun.preferences
    asked_wh, departs_at = combined(preferences, needs.asked_wh, needs.departs_at)
    return StoredClaim(
        site_id=row.site_id,
        port_id=begun.port_id,
        session_id=begun.session_id,
        begun_at=begun.begun_at,
        ref=begun.ref,
        draws=tuple(_draws(row)),
        first_wh=row.first_wh,
        last_wh=row.last_wh,
        asked_wh=asked_wh,
        departs_at=departs_at,
        preferences=preferences,
        wait=decode(PowerWait, row.wait) if row.wait else None,
    )


def _draws(row: GridRow) -> list[ToldDraw]:
    return [decode(ToldDraw, it) for it in (row.draw_first, row.draw_before, row.draw) if it]


def _packed(text: str) -> str:
    """A book, and a tree, say the same words of every port: a tenth of it is left, of what each call is billed by."""
    return b64encode(zlib.compress(text.encode())).decode()


def _unpacked(text: str) -> str:
    return zlib.decompress(b64decode(text)).decode()
