"""The utilities' servers of operators in DynamoDB: a row each, with what was heard of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from chalicelib.adapters.dynamo import decode, delete, encode, find, put, update, update_and_read
from chalicelib.adapters.tables import GridRow
from chalicelib.records.grid import UtilityLink, UtilityNews

# No site's id has such a sign.
_LINKS = "utility-links#"


class DynamoUtilityLinks:
    """The port UtilityLinks. Methods make one call where they say nothing else."""

    def put(self, link: UtilityLink, *, is_known: bool = False) -> None:
        row = GridRow(_LINKS, link.operator_id, body=encode(link))
        if is_known:
            update(row, [GridRow.body.set(row.body)])
        else:
            put(row)

    def get(self, operator_id: str) -> tuple[UtilityLink, UtilityNews] | None:
        row = find(GridRow, _LINKS, operator_id)
        return _read(row) if row is not None else None

    def claim(self, operator_id: str, now: datetime, until: datetime) -> tuple[UtilityLink, UtilityNews] | None:
        row = GridRow(_LINKS, operator_id)
        is_free = GridRow.rests_until.does_not_exist() | (GridRow.rests_until <= now)
        is_claimed = update_and_read(row, [GridRow.rests_until.set(until)], GridRow.body.exists() & is_free)
        return _read(row) if is_claimed else None

    def remove(self, operator_id: str) -> bool:
        return delete(GridRow(_LINKS, operator_id), GridRow.body.exists())

    def operators(self) -> Iterable[str]:
        """A call for each megabyte: some 2,000 operators."""
        for row in GridRow.query(_LINKS):
            yield row.item

    def heard(self, link: UtilityLink, news: UtilityNews, claimed_until: datetime, rests_until: datetime) -> bool:
        return update(
            GridRow(_LINKS, link.operator_id),
            [GridRow.needs.set(encode(news)), GridRow.rests_until.set(rests_until)],
            (GridRow.body == encode(link)) & (GridRow.rests_until == claimed_until),
        )


def _read(row: GridRow) -> tuple[UtilityLink, UtilityNews]:
    return decode(UtilityLink, row.body), decode(UtilityNews, row.needs) if row.needs else UtilityNews()
