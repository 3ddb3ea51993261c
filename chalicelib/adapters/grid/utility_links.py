"""The utilities' servers of operators in DynamoDB: a row each, with what was heard of it."""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.adapters.dynamo import decode, delete, encode, find, put, update
from chalicelib.adapters.tables import GridRow
from chalicelib.records.grid import UtilityLink, UtilityNews

# No site's id has such a sign.
_LINKS = "utility-links#"


class DynamoUtilityLinks:
    """The port UtilityLinks. Methods make one call where they say nothing else."""

    def put(self, link: UtilityLink) -> None:
        put(GridRow(_LINKS, link.operator_id, body=encode(link)))

    def get(self, operator_id: str) -> tuple[UtilityLink, UtilityNews] | None:
        row = find(GridRow, _LINKS, operator_id)
        if row is None:
            return None
        return decode(UtilityLink, row.body), decode(UtilityNews, row.needs) if row.needs else UtilityNews()

    def remove(self, operator_id: str) -> bool:
        return delete(GridRow(_LINKS, operator_id), GridRow.body.exists())

    def operators(self) -> Iterable[str]:
        """A call for each megabyte: some 2,000 operators."""
        for row in GridRow.query(_LINKS):
            yield row.item

    def heard(self, link: UtilityLink, news: UtilityNews) -> bool:
        row = GridRow(_LINKS, link.operator_id)
        return update(row, [GridRow.needs.set(encode(news))], GridRow.body == encode(link))
