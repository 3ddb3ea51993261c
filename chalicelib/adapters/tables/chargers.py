"""What is kept of chargers, of their sites, and of what was said to and by them."""

from __future__ import annotations

from typing import Any

from pynamodb.attributes import (
    BooleanAttribute,
    ListAttribute,
    MapAttribute,
    TTLAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from chalicelib.adapters.dynamo import IntegerAttribute
from chalicelib.adapters.tables.base import PREFIX, OnDemand


class ChargersByOperator(GlobalSecondaryIndex["ChargerRow"]):  # type: ignore[no-untyped-call]
    """Finds an operator's chargers, in the order of their ids."""

    class Meta:
        index_name = "by_operator"
        # Whatever else it held would be written here too with every socket.
        projection = KeysOnlyProjection()

    operator_id = UnicodeAttribute(hash_key=True)
    charger_id = UnicodeAttribute(range_key=True)


class ChargersWithListDue(GlobalSecondaryIndex["ChargerRow"]):  # type: ignore[no-untyped-call]
    """Finds chargers whose local list is to be looked after: a charger is here only until that is done."""

    class Meta:
        index_name = "list_due"
        projection = KeysOnlyProjection()

    list_due_shard = UnicodeAttribute(hash_key=True)
    charger_id = UnicodeAttribute(range_key=True)


class ChargersThatKeepLists(GlobalSecondaryIndex["ChargerRow"]):  # type: ignore[no-untyped-call]
    """Finds chargers behind with their local lists, by how far each has ours.

    Holds a charger only while it is connected and takes lists.
    """

    class Meta:
        index_name = "lists"
        projection = KeysOnlyProjection()

    list_operator = UnicodeAttribute(hash_key=True)
    list_until_s = IntegerAttribute(range_key=True)


class PendingChargers(GlobalSecondaryIndex["ChargerRow"]):  # type: ignore[no-untyped-call]
    """Finds chargers that wait for their operator's acceptance: one is here only until then."""

    class Meta:
        index_name = "pending"
        projection = KeysOnlyProjection()

    pending_operator = UnicodeAttribute(hash_key=True)
    charger_id = UnicodeAttribute(range_key=True)


class ChargerRow(Model):
    """A charger (`item` is "charger"), one of its connectors ("connector#2"), its latest news ("news#log") or setup.

    One query reads them all. Under a name in lower case "spellings" holds the chargers that are called so in any case.
    """

    class Meta(OnDemand):
        table_name = f"{PREFIX}chargers"

    charger_id = UnicodeAttribute(hash_key=True)
    item = UnicodeAttribute(range_key=True)

    operator_id = UnicodeAttribute(null=True)
    site_id = UnicodeAttribute(null=True)
    password_hash = UnicodeAttribute(null=True)
    connectors: ListAttribute[Any] = ListAttribute(of=UnicodeAttribute, null=True)
    security_profile = IntegerAttribute(null=True)
    admission = UnicodeAttribute(null=True)
    next_password_hash = UnicodeAttribute(null=True)
    password_note = UnicodeAttribute(null=True)
    brought_password = BooleanAttribute(null=True)
    keeps_list = BooleanAttribute(null=True)
    list_version = IntegerAttribute(null=True)
    list_due_shard = UnicodeAttribute(null=True)
    list_operator = UnicodeAttribute(null=True)
    list_until_s = IntegerAttribute(null=True)
    list_more = UnicodeAttribute(null=True)
    list_sent = IntegerAttribute(null=True)
    list_size = IntegerAttribute(null=True)
    limits = UnicodeAttribute(null=True)
    traced_until = UTCDateTimeAttribute(null=True)
    plugs = UnicodeAttribute(null=True)
    place = UnicodeAttribute(null=True)
    connection_id = UnicodeAttribute(null=True)
    previous_connection_id = UnicodeAttribute(null=True)
    protocol = UnicodeAttribute(null=True)
    connected_at = UTCDateTimeAttribute(null=True)
    vendor = UnicodeAttribute(null=True)
    model = UnicodeAttribute(null=True)
    serial = UnicodeAttribute(null=True)
    firmware = UnicodeAttribute(null=True)
    has_main_meter = BooleanAttribute(null=True)
    has_card_terminal = BooleanAttribute(null=True)
    setup_profile = UnicodeAttribute(null=True)
    metering = UnicodeAttribute(null=True)
    booted_at = UTCDateTimeAttribute(null=True)
    disconnected_at = UTCDateTimeAttribute(null=True)
    was_renewed = BooleanAttribute(null=True)
    certificate_until = UTCDateTimeAttribute(null=True)
    plug_in_s = IntegerAttribute(null=True)
    silent_until = UTCDateTimeAttribute(null=True)
    watched_until = UTCDateTimeAttribute(null=True)

    status = UnicodeAttribute(null=True)
    status_at = UTCDateTimeAttribute(null=True)
    told_at = UTCDateTimeAttribute(null=True)
    error = UnicodeAttribute(null=True)
    skew_s = IntegerAttribute(null=True)
    session_id = UnicodeAttribute(null=True)
    last_session_id = UnicodeAttribute(null=True)
    reserved_for = UnicodeAttribute(null=True)
    reserved_until = UTCDateTimeAttribute(null=True)
    # Who waits for the connector: "Unix second of the end/watch/driver".
    watchers = UnicodeSetAttribute(null=True)
    spellings = UnicodeSetAttribute(null=True)
    is_found_in_any_case = BooleanAttribute(null=True)
    # Only of a station's own meter, which has a row of its own.
    meter_energy_wh = IntegerAttribute(null=True)
    meter_energy_at = UTCDateTimeAttribute(null=True)
    meter_power_w = IntegerAttribute(null=True)
    meter_power_at = UTCDateTimeAttribute(null=True)
    meter_current = UnicodeAttribute(null=True)
    meter_current_at = UTCDateTimeAttribute(null=True)
    setup_is_due = BooleanAttribute(null=True)
    # Only of the item "setup": what was asked last, and all that is known of the charger's settings.
    awaited = UnicodeAttribute(null=True)
    body = UnicodeAttribute(null=True)
    # Only of the item "allowance": when each token bucket will be full again.
    messages_full_at_ms = IntegerAttribute(null=True)
    transactions_full_at_ms = IntegerAttribute(null=True)
    # Only of chargers nobody has accepted yet.
    pending_operator = UnicodeAttribute(null=True)
    expires_at = TTLAttribute(null=True)

    by_operator = ChargersByOperator()
    list_due = ChargersWithListDue()
    lists = ChargersThatKeepLists()
    pending = PendingChargers()


class SiteRow(Model):
    """A site (OCPI Location): a place with one grid connection, and its tariff."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}sites"

    site_id = UnicodeAttribute(hash_key=True)
    operator_id = UnicodeAttribute()
    body = UnicodeAttribute()


class PlaceRow(Model):
    """A charger where a search finds it; what it does now stands apart, to be changed alone."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}places"

    area = UnicodeAttribute(hash_key=True)
    cell = UnicodeAttribute(range_key=True)
    body = UnicodeAttribute()
    online = BooleanAttribute()
    is_metered = BooleanAttribute(null=True)
    statuses: MapAttribute[str, str] = MapAttribute()  # type: ignore[no-untyped-call]
    kept: MapAttribute[str, str] = MapAttribute()  # type: ignore[no-untyped-call]


class ConnectionRow(Model):
    """An open socket by its connection id: which charger's, and the subprotocol agreed."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}connections"

    connection_id = UnicodeAttribute(hash_key=True)
    body = UnicodeAttribute()
    expires_at = TTLAttribute()


class LinesWaiting(GlobalSecondaryIndex["CallRow"]):  # type: ignore[no-untyped-call]
    """Finds lines at which calls wait, by when the call before them is overdue; a line is here only while some do."""

    class Meta:
        index_name = "waiting"
        projection = KeysOnlyProjection()

    waiting_shard = UnicodeAttribute(hash_key=True)
    asked_until = UTCDateTimeAttribute(range_key=True)


class CallRow(Model):
    """A command; or, under a charger's name and "#line", the call that is open there and those that wait for it."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}calls"

    charger_id = UnicodeAttribute(hash_key=True)
    message_id = UnicodeAttribute(range_key=True)
    body = UnicodeAttribute(null=True)
    result = UnicodeAttribute(null=True)
    answered_at = UTCDateTimeAttribute(null=True)
    # What is to be sent, only while it waits.
    frame = UnicodeAttribute(null=True)
    expires_at = TTLAttribute()

    # Only of a line.
    asked = UnicodeAttribute(null=True)
    asked_action = UnicodeAttribute(null=True)
    asked_until = UTCDateTimeAttribute(null=True)
    overtaken = UnicodeAttribute(null=True)
    overtaken_until = UTCDateTimeAttribute(null=True)
    connection_id = UnicodeAttribute(null=True)
    waiting = UnicodeSetAttribute(null=True)
    waiting_shard = UnicodeAttribute(null=True)

    waiting_lines = LinesWaiting()


class JournalRow(Model):
    """A logged message, by charger; `position` is its time and a digest of what it says."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}journal"

    charger_id = UnicodeAttribute(hash_key=True)
    position = UnicodeAttribute(range_key=True)
    body = UnicodeAttribute()
    expires_at = TTLAttribute()


class HistoryRow(Model):
    """A change of a charger's line or of a connector's status, from which uptime follows."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}history"

    charger_id = UnicodeAttribute(hash_key=True)
    position = UnicodeAttribute(range_key=True)
    body = UnicodeAttribute()
    expires_at = TTLAttribute()


class ReportRow(Model):
    """A part of a report; `report` is the charger, the kind and the request's number."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}reports"

    report = UnicodeAttribute(hash_key=True)
    part = UnicodeAttribute(range_key=True)
    body = UnicodeAttribute()
    expires_at = TTLAttribute()


class KnockRow(Model):
    """Refused connections of one kind on one day; `place` is the day and what they have in common."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}knocks"

    operator_id = UnicodeAttribute(hash_key=True)
    place = UnicodeAttribute(range_key=True)
    charger_id = UnicodeAttribute(null=True)
    name = UnicodeAttribute(null=True)
    reason = UnicodeAttribute(null=True)
    why = UnicodeAttribute(null=True)
    at = UTCDateTimeAttribute(null=True)
    first_at = UTCDateTimeAttribute(null=True)
    knocks = IntegerAttribute(null=True)
    expires_at = TTLAttribute(null=True)
