"""What operators and drivers have registered."""

from __future__ import annotations

from pynamodb.attributes import MapAttribute, UnicodeAttribute, UnicodeSetAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model

from chalicelib.adapters.dynamo import IntegerAttribute
from chalicelib.adapters.tables.base import PREFIX, OnDemand


class SiteRow(Model):
    class Meta(OnDemand):
        table_name = f"{PREFIX}sites"

    site_id = UnicodeAttribute(hash_key=True)
    operator_id = UnicodeAttribute()
    body = UnicodeAttribute()


class TariffRow(Model):
    class Meta(OnDemand):
        table_name = f"{PREFIX}tariffs"

    tariff_id = UnicodeAttribute(hash_key=True)
    operator_id = UnicodeAttribute()
    body = UnicodeAttribute()


class TokensByOperator(GlobalSecondaryIndex["TokenRow"]):  # type: ignore[no-untyped-call]
    """In the order in which they last changed."""

    class Meta:
        index_name = "by_operator"
        projection = AllProjection()

    operator_id = UnicodeAttribute(hash_key=True)
    changed_s = IntegerAttribute(range_key=True)


class TokensByDriver(GlobalSecondaryIndex["TokenRow"]):  # type: ignore[no-untyped-call]
    class Meta:
        index_name = "by_driver"
        projection = AllProjection()

    driver_id = UnicodeAttribute(hash_key=True)
    uid = UnicodeAttribute(range_key=True)


class TokenRow(Model):
    class Meta(OnDemand):
        table_name = f"{PREFIX}tokens"

    uid = UnicodeAttribute(hash_key=True)
    # None for a driver's own card.
    operator_id = UnicodeAttribute(null=True)
    driver_id = UnicodeAttribute()
    body = UnicodeAttribute()
    changed_s = IntegerAttribute(null=True)

    by_operator = TokensByOperator()
    by_driver = TokensByDriver()


class OperatorRow(Model):
    """When an operator's tokens last changed, up to when its chargers' lists have been seen through; its webhook.

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
    class Meta(OnDemand):
        table_name = f"{PREFIX}drivers"

    driver_id = UnicodeAttribute(hash_key=True)
    body = UnicodeAttribute()
    # Changed by others than the driver, and so apart.
    terms: MapAttribute[str, str] = MapAttribute(null=True)  # type: ignore[no-untyped-call]
    owes = UnicodeSetAttribute(null=True)
