"""Records of discovery: a charger as searches find it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from chalicelib.domain.chargers.events import ConnectorStatus
from chalicelib.domain.chargers.geography import GeoPoint
from chalicelib.domain.data_classes import dataclass, field, replace
from chalicelib.records.chargers import Plug

# Chargers of a site are shown at its spot: floats differ by less.
SAME_SPOT_M = 1.0
# Longer than any request, so that whoever read a site before it moved has put its charger by then.
LONGEST_REQUEST = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSign:
    """What searches show of a site with each of its chargers.

    `spot` None: where the chargers say that they are. `rows_at` are the site's other signs, beside which rows of its
    chargers may stand that are shown here all the same. `is_left`: it has moved, and none is shown here any more.
    """

    site_name: str
    address: str
    tariff_id: str
    time_zone: str
    spot: GeoPoint | None = None
    rows_at: tuple[str, ...] = ()
    is_left: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A charger in the index of places: all that its row says, and what its connectors do now.

    `is_metered` False: the charger says that it does not measure energy.
    """

    charger_id: str
    operator_id: str
    site_id: str
    site_name: str
    address: str
    tariff_id: str
    spot: GeoPoint
    plugs: tuple[Plug, ...]
    time_zone: str = "UTC"
    online: bool = False
    statuses: Mapping[str, ConnectorStatus] = field(default_factory=dict)
    kept: Mapping[str, datetime] = field(default_factory=dict)
    is_metered: bool = True

    def under(self, sign: SiteSign) -> Place:
        """The same charger, at its site as that is now."""
        return replace(
            self,
            site_name=sign.site_name,
            address=sign.address,
            tariff_id=sign.tariff_id,
            time_zone=sign.time_zone,
            spot=sign.spot or self.spot,
        )

    def status(self, plug: Plug) -> ConnectorStatus:
        """What a connector does now; nobody knows of a charger that is offline."""
        known = self.statuses.get(str(plug.connector), ConnectorStatus.UNKNOWN)
        return known if self.online else ConnectorStatus.UNKNOWN

    def is_free(self, plug: Plug) -> bool:
        """Whether somebody could plug in there now."""
        return self.status(plug) is ConnectorStatus.AVAILABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Relocation:
    """A site that has moved, `at` that time, and whose chargers' rows follow it.

    `signs` are all the places where it was shown lately, or is now. A pass over its chargers began at `pass_at` and has
    come as far as `after`, a charger's id; `lacks_some` that could not follow. Unless another goes on with it first, it
    is looked at again when `due_at`.
    """

    site_id: str
    signs: tuple[str, ...]
    at: datetime
    due_at: datetime
    pass_at: datetime | None = None
    after: str = ""
    lacks_some: bool = False

    @property
    def is_seen_through(self) -> bool:
        """Whether all have followed by a pass that began after whatever was put meanwhile where the site was."""
        return not self.lacks_some and self.pass_at is not None and self.pass_at >= self.at + LONGEST_REQUEST
