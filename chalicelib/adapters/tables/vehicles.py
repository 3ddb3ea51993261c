"""What is kept of drivers' cars: one partition a car, one a driver, and what makers call them."""

from __future__ import annotations

from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.adapters.attributes import ExpiryAttribute, IntegerAttribute, TextAttribute, TimeAttribute
from chalicelib.adapters.row import Row
from chalicelib.adapters.tables.base import PREFIX, OnDemand


class NightsByDue(GlobalSecondaryIndex["VehicleRow"]):  # type: ignore[no-untyped-call]
    """Finds cars' nights of which something is due, by when."""

    class Meta:
        index_name = "due"
        projection = KeysOnlyProjection()

    due_shard = TextAttribute(hash_key=True)
    due_at = TimeAttribute(range_key=True)


class VehicleRow(Row):
    """Under "car/" and its id a car ("car"), and where it is ("position", which expires by itself).

    Under "driver/" and theirs a driver's cars ("car/...": no more than the name) and links ("link/...", whose tokens
    are encrypted before they come here). Under "maker/", a maker and its own id of a car: which car that is; under
    "maker/" and a maker alone how it answers. Under "account/", a maker and whom it knows: whose link that is. Under
    "attempt/" and a state: who went to link a car.

    Under "night/" and a car's id its "night" at a plug, due by `due_at`, and its driver's "wish". Under "match/" and a
    session's id which car hangs there; under "driver/" ("trusted/...") the cars that are matched without asking.
    """

    class Meta(OnDemand):
        table_name = f"{PREFIX}vehicles"

    owner = TextAttribute(hash_key=True)
    item = TextAttribute(range_key=True)
    body = TextAttribute(null=True)
    revision = IntegerAttribute(null=True)
    expires_at = ExpiryAttribute(null=True)
    due_shard = TextAttribute(null=True)
    due_at = TimeAttribute(null=True)

    due = NightsByDue()
