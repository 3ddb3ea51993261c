"""Sites, tariffs, tokens and drivers' records in DynamoDB. An id once taken stays its operator's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from pynamodb.expressions.condition import Condition

from chalicelib.adapters.dynamo import decode, encode, find, put, update
from chalicelib.adapters.tables import DriverRow, OperatorRow, SiteRow, TariffRow, TokenRow
from chalicelib.domain.money.receipt import Profile
from chalicelib.domain.pricing.tariff import Tariff
from chalicelib.records import Conflict
from chalicelib.records.chargers import Site
from chalicelib.records.drivers import Driver, Terms, Token

_ATTEMPTS = 8


class DynamoCatalog:
    """Sites, tariffs, profiles and tokens in DynamoDB: the port Catalog.

    Methods make one call where they say nothing else.
    """

    def put_site(self, site: Site) -> None:
        _put_own(
            SiteRow(site.site_id, operator_id=site.operator_id, body=encode(site)), SiteRow.site_id.does_not_exist()
        )

    def site(self, site_id: str) -> Site | None:
        row = find(SiteRow, site_id)
        return decode(Site, row.body) if row else None

    def put_tariff(self, tariff: Tariff) -> None:
        _put_own(
            TariffRow(tariff.tariff_id, operator_id=tariff.operator_id, body=encode(tariff)),
            TariffRow.tariff_id.does_not_exist(),
        )

    def tariff(self, tariff_id: str) -> Tariff | None:
        row = find(TariffRow, tariff_id)
        return decode(Tariff, row.body) if row else None

    def put_profile(self, operator_id: str, profile: Profile) -> None:
        update(OperatorRow(operator_id), [OperatorRow.profile.set(encode(profile))])

    def profile(self, operator_id: str) -> Profile | None:
        row = find(OperatorRow, operator_id)
        return decode(Profile, row.profile) if row and row.profile else None

    def put_token(self, token: Token, at: datetime) -> None:
        """Two calls; the token goes first, so that lists are never seen through without it."""
        second = int(at.timestamp())
        row = TokenRow(token.uid, driver_id=token.driver_id, body=encode(token), changed_s=second)
        if not token.operator_id:
            is_own = TokenRow.operator_id.does_not_exist() & (TokenRow.driver_id == token.driver_id)
            if not put(row, TokenRow.uid.does_not_exist() | is_own):
                raise Conflict("that token is somebody else's")
            return
        row.operator_id = token.operator_id
        _put_own(row, TokenRow.uid.does_not_exist())
        update(OperatorRow(token.operator_id), [OperatorRow.tokens_changed_s.set(second)])

    def token(self, uid: str) -> Token | None:
        row = find(TokenRow, uid)
        return decode(Token, row.body) if row else None

    def tokens_of(self, driver_id: str) -> Sequence[Token]:
        return [decode(Token, row.body) for row in TokenRow.by_driver.query(driver_id)]

    def forget_token(self, uid: str) -> None:
        TokenRow(uid).delete()

    def tokens_changed(self, operator_id: str, after: int, until: int, limit: int) -> Sequence[tuple[int, Token]]:
        """One call for each megabyte. The index follows the table within a second or so: ask about what is older."""
        found: list[tuple[int, Token]] = []
        if after >= until:
            return found
        for row in TokenRow.by_operator.query(operator_id, TokenRow.changed_s.between(after + 1, until)):
            second = row.changed_s or 0
            if len(found) >= limit and second != found[-1][0]:
                break
            found.append((second, decode(Token, row.body)))
        return found

    def lists_behind(self) -> Iterable[tuple[str, int]]:
        """A scan of one small row an operator."""
        for row in OperatorRow.scan():
            if row.tokens_changed_s is not None and row.tokens_changed_s > (row.lists_done_s or 0):
                yield row.operator_id, row.tokens_changed_s

    def lists_done(self, operator_id: str, second: int) -> None:
        update(OperatorRow(operator_id), [OperatorRow.lists_done_s.set(second)])


class DynamoDrivers:
    """Drivers' records in DynamoDB: the port Drivers. Methods make one call where they say nothing else."""

    def put(self, driver: Driver) -> None:
        """Two calls for a new driver."""
        body = encode(replace(driver, terms={}, owes=frozenset()))
        row = DriverRow(driver.driver_id)
        if not update(row, [DriverRow.body.set(body)], DriverRow.driver_id.exists()):
            put(DriverRow(driver.driver_id, body=body, terms={}), DriverRow.driver_id.does_not_exist())

    def get(self, driver_id: str) -> Driver | None:
        row = find(DriverRow, driver_id)
        if row is None:
            return None
        terms = row.terms.attribute_values if row.terms else {}
        return replace(
            decode(Driver, row.body),
            terms={operator_id: decode(Terms, text) for operator_id, text in terms.items()},
            owes=frozenset(row.owes or ()),
        )

    def set_terms(self, driver_id: str, operator_id: str, terms: Terms) -> bool:
        agreed: Any = DriverRow.terms[operator_id]
        return update(DriverRow(driver_id), [agreed.set(encode(terms))], DriverRow.driver_id.exists())

    def owe(self, driver_id: str, session_id: str) -> None:
        update(DriverRow(driver_id), [DriverRow.owes.add({session_id})], DriverRow.driver_id.exists())

    def owe_no_more(self, driver_id: str, session_id: str) -> None:
        update(DriverRow(driver_id), [DriverRow.owes.delete({session_id})], DriverRow.driver_id.exists())

    def forget(self, driver_id: str) -> None:
        DriverRow(driver_id).delete()

    def change(self, driver_id: str, change: Callable[[Driver], Driver]) -> Driver | None:
        """Two calls, and two more for each time that somebody else was quicker."""
        for _ in range(_ATTEMPTS):
            row = find(DriverRow, driver_id)
            if row is None:
                return None
            before, after = row.body, change(decode(Driver, row.body))
            if update(row, [DriverRow.body.set(encode(after))], DriverRow.body == before):
                return after
        raise Conflict(f"driver {driver_id} is being changed by others")


def _put_own(row: SiteRow | TariffRow | TokenRow, is_new: Condition) -> None:
    # A token without an operator is a driver's own, and not to be had.
    if not put(row, is_new | (type(row).operator_id == row.operator_id)):
        raise Conflict("that id is another operator's")
