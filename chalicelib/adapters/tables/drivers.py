"""Tables of what operators and drivers have registered: sites, tariffs, tokens, operators, drivers."""

from __future__ import annotations

from pynamodb.attributes import MapAttribute, UnicodeAttribute, UnicodeSetAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model

from chalicelib.adapters.dynamo import IntegerAttribute
from chalicelib.adapters.tables.base import PREFIX, OnDemand


class SiteRow(Model):
    """A site as one JSON text, beside the operator it belongs to."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}sites"

    site_id = UnicodeAttribute(hash_key=True)
    operator_id = UnicodeAttribute()
    body = UnicodeAttribute()


class TariffRow(Model):
    """A tariff as one JSON text, beside the operator it belongs to."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}tariffs"

    tariff_id = UnicodeAttribute(hash_key=True)
    operator_id = UnicodeAttribute()
    body = UnicodeAttribute()


class TokensByOperator(GlobalSecondaryIndex["TokenRow"]):  # type: ignore[no-untyped-call]
    """Finds an operator's tokens in the order in which they last changed."""

    class Meta:
        index_name = "by_operator"
        projection = AllProjection()

    operator_id = UnicodeAttribute(hash_key=True)
    changed_s = IntegerAttribute(range_key=True)


class TokensByDriver(GlobalSecondaryIndex["TokenRow"]):  # type: ignore[no-untyped-call]
    """Finds a driver's tokens, whoever issued them."""

    class Meta:
        index_name = "by_driver"
        projection = AllProjection()

    driver_id = UnicodeAttribute(hash_key=True)
    uid = UnicodeAttribute(range_key=True)


class TokenRow(Model):
    """A token by its uid; `changed_s` is the Unix second of its last change."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}tokens"

    uid = UnicodeAttribute(hash_key=True)
    # None for a driver's own token.
    operator_id = UnicodeAttribute(null=True)
    driver_id = UnicodeAttribute()
    body = UnicodeAttribute()
    changed_s = IntegerAttribute(null=True)

    by_operator = TokensByOperator()
    by_driver = TokensByDriver()


class OperatorRow(Model):
    """An operator: when its tokens last changed, how far its chargers' local lists have them; its webhook.

    `setup_profile` is what its chargers are set to; `setup_after` the last charger that a new one has reached, while
    one is on its way to all of them.
    """

    class Meta(OnDemand):
        table_name = f"{PREFIX}operators"

    operator_id = UnicodeAttribute(hash_key=True)
    profile = UnicodeAttribute(null=True)
    tokens_changed_s = IntegerAttribute(null=True)
    lists_done_s = IntegerAttribute(null=True)
    webhook = UnicodeAttribute(null=True)
    setup_profile = UnicodeAttribute(null=True)
    setup_after = UnicodeAttribute(null=True)


class DriverRow(Model):
    """A driver's account; terms and debts stand apart, for others change them."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}drivers"

    driver_id = UnicodeAttribute(hash_key=True)
    body = UnicodeAttribute()
    # Changed by others than the driver, and so apart.
    terms: MapAttribute[str, str] = MapAttribute(null=True)  # type: ignore[no-untyped-call]
    owes = UnicodeSetAttribute(null=True)
