"""Shows chargers where searches find them: each at its site's spot, as it is now, and only while it is accepted."""

from __future__ import annotations

from chalicelib.domain.chargers.geography import GeoPoint
from chalicelib.domain.chargers.setup import MeteringCapability
from chalicelib.domain.data_classes import dataclass
from chalicelib.ports.chargers import Chargers, Connectors
from chalicelib.ports.discovery import Places
from chalicelib.records.chargers import Admission, Charger, Plug, Site
from chalicelib.records.discovery import Place


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Keeps the row of a charger in the index of places."""

    chargers: Chargers
    connectors: Connectors
    places: Places

    def show(self, charger: Charger, site: Site) -> None:
        """Put a charger where searches find it, or take it from there."""
        row = shown = None
        if site.spot is not None and charger.admission is Admission.ACCEPTED:
            shown = self._place(charger, site, site.spot)
            row = self.places.put(shown)
        if charger.place is not None and charger.place != row:
            self.places.remove(charger.place)
        self.connectors.put_place(charger.charger_id, charger.connectors, row)
        # From here on whatever changes is written there; what changed meanwhile is made good.
        now = self.chargers.get(charger.charger_id)
        if shown is not None and now is not None and site.spot is not None:
            fresh = self._place(now, site, site.spot)
            if fresh != shown:
                self.places.put(fresh)

    def _place(self, charger: Charger, site: Site, spot: GeoPoint) -> Place:
        said = {plug.connector: plug for plug in charger.plugs}
        states = self.connectors.of_charger(charger.charger_id)
        return Place(
            charger_id=charger.charger_id,
            operator_id=charger.operator_id,
            site_id=site.site_id,
            site_name=site.name,
            address=site.address,
            tariff_id=site.tariff_id,
            time_zone=site.time_zone,
            spot=spot,
            plugs=tuple(said.get(connector, Plug(connector)) for connector in charger.connectors),
            online=charger.connection_id is not None,
            statuses={str(it.connector): it.status for it in states},
            is_metered=charger.metering is not MeteringCapability.NONE,
            kept={str(it.connector): it.reserved_until for it in states if it.reserved_until is not None},
        )
