"""A list is read a page at a time: `limit` says how much of it, `cursor` where to go on."""

from __future__ import annotations

import re
from collections.abc import Mapping

from chalicelib.domain.data_classes import dataclass
from chalicelib.handlers.http.endpoint import BadRequest, Request

_NUMBER = re.compile(r"[0-9]{1,4}")


@dataclass(frozen=True, slots=True)
class Paging:
    """How many items a list's page has, unless told, and at the most."""

    usual: int = 20
    largest: int = 100

    @property
    def query(self) -> Mapping[str, str]:
        """Its parameters, for the document."""
        return {
            "limit": f"1 to {self.largest}, {self.usual} if left out",
            "cursor": "`next_cursor` of the page before",
        }

    def asked(self, request: Request) -> tuple[int, str | None]:
        """The limit, and the cursor or None for the first page. Raises BadRequest.

        Whether a cursor is ours only its list can tell; one that is not (BadCursor) is a bad request as well.
        """
        limit = request.query.get("limit", str(self.usual))
        if not _NUMBER.fullmatch(limit) or not 1 <= int(limit) <= self.largest:
            raise BadRequest(f"limit must be a number from 1 to {self.largest}", "limit")
        return int(limit), request.query.get("cursor") or None
