"""Records of sessions: the browsers that look at them."""

from __future__ import annotations

from datetime import datetime

from chalicelib.domain.data_classes import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """A browser's socket that looks at a topic: a `kind` of thing and which one, the `subject`.

    It looks until `visible_until`, unless it says by then that it is still visible; `seen` is the id of the last event
    it was told. `driver_id` and `issued_s` are its ticket's, which is good until `good_until`. `looks`: so often it has
    said that it is visible.
    """

    kind: str
    subject: str
    connection_id: str
    driver_id: str
    issued_s: int
    opened_at: datetime
    good_until: datetime
    visible_until: datetime
    seen: str = ""
    looks: int = 0
