"""Table of managed sites: one partition each, so that a look at a site is one query."""

from __future__ import annotations

from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.adapters.attributes import (
    ExpiryAttribute,
    IntegerAttribute,
    TextAttribute,
    TextSetAttribute,
    TimeAttribute,
)
from chalicelib.adapters.row import Row
from chalicelib.adapters.tables.base import PREFIX, OnDemand


class ClaimedSites(GlobalSecondaryIndex["GridRow"]):  # type: ignore[no-untyped-call]
    """Finds busy sites: a row for each session that claims power, one for a book that awaits an answer, for a load.

    Claims of whoever said when they leave, or how much they need, lie in shards of their own.
    """

    class Meta:
        index_name = "busy"
        projection = KeysOnlyProjection()

    busy_shard = TextAttribute(hash_key=True)
    site_id = TextAttribute(range_key=True)


class GridRow(Row):
    """Under a site's id its tree ("site"), the building's load ("load"), limits ("limit#..."), claims ("claim#...").

    What demand response asks of it is "demand#...", with when the site opted out. An operator's events, its sites'
    contracts and the samples of an event lie in partitions of their own, whose names no site can have.

    "book" is what was granted, replaced as a whole by whoever read its `version`; "events" what was told of
    ports that it does not know yet: answers, boots. "plan": what is planned for the coming day.
    """

    class Meta(OnDemand):
        table_name = f"{PREFIX}grid"

    site_id = TextAttribute(hash_key=True)
    item = TextAttribute(range_key=True)
    body = TextAttribute(null=True)
    version = IntegerAttribute(null=True)
    told_at = TimeAttribute(null=True)
    events = TextSetAttribute(null=True)
    # Only of a claim: the newest draw, the two before it, and its meter's register.
    session_id = TextAttribute(null=True)
    busy_shard = TextAttribute(null=True)
    draw = TextAttribute(null=True)
    draw_before = TextAttribute(null=True)
    draw_first = TextAttribute(null=True)
    first_wh = IntegerAttribute(null=True)
    last_wh = IntegerAttribute(null=True)
    # What its car asks for, and what its driver does.
    needs = TextAttribute(null=True)
    wishes = TextAttribute(null=True)
    # What its driver was told of its waiting for power.
    wait = TextAttribute(null=True)
    opted_out_at = TimeAttribute(null=True)
    # Only of a utility's server: nobody asks it before.
    rests_until = TimeAttribute(null=True)
    samples = TextSetAttribute(null=True)
    expires_at = ExpiryAttribute(null=True)

    busy = ClaimedSites()
