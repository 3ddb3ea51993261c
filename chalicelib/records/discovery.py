"""Records of discovery: a charger as searches find it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from chalicelib.domain.chargers.events import ConnectorStatus
from chalicelib.domain.chargers.geography import GeoPoint
from chalicelib.domain.data_classes import dataclass, field, replace
from chalicelib.records.chargers import Plug

# Chargers of a site are shown at its spot: floats differ by less.
SAME_SPOT_M = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSign:
    """What searches show of a site with each of its chargers."""

    site_name: str
    address: str
    tariff_id: str
    time_zone: str


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
        )

    def status(self, plug: Plug) -> ConnectorStatus:
        """What a connector does now; nobody knows of a charger that is offline."""
        known = self.statuses.get(str(plug.connector), ConnectorStatus.UNKNOWN)
        return known if self.online else ConnectorStatus.UNKNOWN

    def is_free(self, plug: Plug) -> bool:
        """Whether somebody could plug in there now."""
        return self.status(plug) is ConnectorStatus.AVAILABLE
