"""What operators and drivers have written down about themselves; an id once taken stays its operator's."""

from __future__ import annotations

from chalicelib.adapters.tables import DriverRow, SiteRow, TariffRow, TokenRow, decode, encode, find, put
from chalicelib.domain.tariff import Tariff
from chalicelib.ports import Conflict, Driver, Site, Token


class DynamoCatalog:
    """The port Catalog. Every method makes one call; a put raises Conflict when the id is another operator's."""

    def put_site(self, site: Site) -> None:
        _put_own(SiteRow(site.site_id, operator_id=site.operator_id, body=encode(site)))

    def site(self, site_id: str) -> Site | None:
        row = find(SiteRow, site_id)
        return decode(Site, row.body) if row else None

    def put_tariff(self, tariff: Tariff) -> None:
        _put_own(TariffRow(tariff.tariff_id, operator_id=tariff.operator_id, body=encode(tariff)))

    def tariff(self, tariff_id: str) -> Tariff | None:
        row = find(TariffRow, tariff_id)
        return decode(Tariff, row.body) if row else None

    def put_token(self, token: Token) -> None:
        _put_own(TokenRow(token.uid, operator_id=token.operator_id, body=encode(token)))

    def token(self, uid: str) -> Token | None:
        row = find(TokenRow, uid)
        return decode(Token, row.body) if row else None


class DynamoDrivers:
    """The port Drivers. Every method makes one call."""

    def put(self, driver: Driver) -> None:
        DriverRow(driver.driver_id, body=encode(driver)).save()

    def get(self, driver_id: str) -> Driver | None:
        row = find(DriverRow, driver_id)
        return decode(Driver, row.body) if row else None


def _put_own(row: SiteRow | TariffRow | TokenRow) -> None:
    owner = type(row).operator_id
    if not put(row, owner.does_not_exist() | (owner == row.operator_id)):
        raise Conflict("that id is another operator's")
