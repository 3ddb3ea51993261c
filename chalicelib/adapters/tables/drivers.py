"""What is kept of drivers, and of the tokens that they and operators have registered."""

from __future__ import annotations

from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.adapters.attributes import (
    ExpiryAttribute,
    FlagAttribute,
    IntegerAttribute,
    TextAttribute,
    TextMapAttribute,
    TextSetAttribute,
    TimeAttribute,
)
from chalicelib.adapters.row import Row
from chalicelib.adapters.tables.base import PREFIX, OnDemand


class TokensByOperator(GlobalSecondaryIndex["TokenRow"]):  # type: ignore[no-untyped-call]
    """Finds an operator's tokens in the order in which they last changed."""

    class Meta:
        index_name = "by_operator"
        projection = AllProjection()

    operator_id = TextAttribute(hash_key=True)
    changed_s = IntegerAttribute(range_key=True)


class TokensByDriver(GlobalSecondaryIndex["TokenRow"]):  # type: ignore[no-untyped-call]
    """Finds a driver's tokens, whoever issued them."""

    class Meta:
        index_name = "by_driver"
        projection = AllProjection()

    driver_id = TextAttribute(hash_key=True)
    uid = TextAttribute(range_key=True)


class TokenRow(Row):
    """A token by its uid; `changed_s` is the Unix second of its last change.

    Under "misses/", who tries numbers (a charger that shows them, a driver who claims them) and an hour stands how many
    were tried in vain: no uid is written in lower case, and what is asked about every token shown comes with it in one
    call. Under "certificates/" stands what was said of certificates, until it is out of date: nothing of a person's.
    """

    class Meta(OnDemand):
        table_name = f"{PREFIX}tokens"

    uid = TextAttribute(hash_key=True)
    # None for a driver's own token.
    operator_id = TextAttribute(null=True)
    driver_id = TextAttribute(null=True)
    body = TextAttribute(null=True)
    changed_s = IntegerAttribute(null=True)
    # Only of what is claimed and not proven: the Unix second in which that lapses.
    claimed_until_s = IntegerAttribute(null=True)
    refused = TextAttribute(null=True)
    # Only of a contract that a 1.6 charger's car has proven.
    contract = TextAttribute(null=True)
    # Only of a charger's misses.
    misses = IntegerAttribute(null=True)
    expires_at = ExpiryAttribute(null=True)

    by_operator = TokensByOperator()
    by_driver = TokensByDriver()


class ExpiringCards(GlobalSecondaryIndex["DriverRow"]):  # type: ignore[no-untyped-call]
    """Finds drivers by the month in which the card that pays expires: here until they have been told.

    Or, under "leaving", those whose account is deleted: here until nothing of them is left.
    """

    class Meta:
        index_name = "expiring"
        projection = KeysOnlyProjection()

    card_expires = TextAttribute(hash_key=True)
    driver_id = TextAttribute(range_key=True)


class DriverRow(Row):
    """A driver's account; terms and debts stand apart, for others change them.

    Or, named "card/" and a fingerprint, a payment card: who ever saved it, and for what it was not good.
    """

    class Meta(OnDemand):
        table_name = f"{PREFIX}drivers"

    driver_id = TextAttribute(hash_key=True)
    body = TextAttribute(null=True)
    # Changed by others than the driver, and so apart.
    terms = TextMapAttribute(null=True)
    owes = TextSetAttribute(null=True)
    # Only of guests, who have no account that they could delete.
    expires_at = ExpiryAttribute(null=True)
    card_owes = TextSetAttribute(null=True)
    holders = TextSetAttribute(null=True)
    # What was about to begin, lately: "second:name"; and until when nothing may, because its driver wants to leave.
    begun = TextSetAttribute(null=True)
    # What tokens began abroad: "day/name".
    abroad = TextSetAttribute(null=True)
    leaving = TextAttribute(null=True)
    leaving_until_s = IntegerAttribute(null=True)
    # "2029-12/3": month and shard; or "leaving".
    card_expires = TextAttribute(null=True)
    # What they are to operators, by operator, and when they last acted for each.
    memberships = TextAttribute(null=True)
    acted = TextAttribute(null=True)
    # Logins that took a code: "second/login"; since when they do.
    proven = TextSetAttribute(null=True)
    second_factor_since = TimeAttribute(null=True)
    # Set by who deploys, and by nobody else.
    is_platform = FlagAttribute(null=True)

    expiring = ExpiringCards()
