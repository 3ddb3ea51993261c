"""What is kept of chargers, of their sites, and of what was said to and by them."""

from __future__ import annotations

from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.adapters.attributes import (
    ExpiryAttribute,
    FlagAttribute,
    IntegerAttribute,
    TextAttribute,
    TextListAttribute,
    TextMapAttribute,
    TextSetAttribute,
    TimeAttribute,
)
from chalicelib.adapters.row import Row
from chalicelib.adapters.tables.base import PREFIX, OnDemand


class ChargersByOperator(GlobalSecondaryIndex["ChargerRow"]):  # type: ignore[no-untyped-call]
    """Finds an operator's chargers, in the order of their ids."""

    class Meta:
        index_name = "by_operator"
        # Whatever else it held would be written here too with every socket.
        projection = KeysOnlyProjection()

    operator_id = TextAttribute(hash_key=True)
    charger_id = TextAttribute(range_key=True)


class ChargersBySite(GlobalSecondaryIndex["ChargerRow"]):  # type: ignore[no-untyped-call]
    """Finds a site's chargers, however many others its operator has."""

    class Meta:
        index_name = "by_site"
        projection = KeysOnlyProjection()

    site_id = TextAttribute(hash_key=True)
    charger_id = TextAttribute(range_key=True)


class ChargersWithListDue(GlobalSecondaryIndex["ChargerRow"]):  # type: ignore[no-untyped-call]
    """Finds chargers whose local list is to be looked after: a charger is here only until that is done."""

    class Meta:
        index_name = "list_due"
        projection = KeysOnlyProjection()

    list_due_shard = TextAttribute(hash_key=True)
    charger_id = TextAttribute(range_key=True)


class ChargersThatKeepLists(GlobalSecondaryIndex["ChargerRow"]):  # type: ignore[no-untyped-call]
    """Finds chargers behind with their local lists, by how far each has ours.

    Holds a charger only while it is connected and takes lists.
    """

    class Meta:
        index_name = "lists"
        projection = KeysOnlyProjection()

    list_operator = TextAttribute(hash_key=True)
    list_until_s = IntegerAttribute(range_key=True)


class PendingChargers(GlobalSecondaryIndex["ChargerRow"]):  # type: ignore[no-untyped-call]
    """Finds chargers that wait for their operator's acceptance: one is here only until then."""

    class Meta:
        index_name = "pending"
        projection = KeysOnlyProjection()

    pending_operator = TextAttribute(hash_key=True)
    charger_id = TextAttribute(range_key=True)


class ChargerRow(Row):
    """A charger (`item` is "charger"), one of its connectors ("connector#2"), its latest news ("news#log") or setup.

    One query reads them all. Under a name in lower case "spellings" holds the chargers that are called so in any case.
    """

    class Meta(OnDemand):
        table_name = f"{PREFIX}chargers"

    charger_id = TextAttribute(hash_key=True)
    item = TextAttribute(range_key=True)

    operator_id = TextAttribute(null=True)
    site_id = TextAttribute(null=True)
    password_hash = TextAttribute(null=True)
    connectors = TextListAttribute(null=True)
    security_profile = IntegerAttribute(null=True)
    admission = TextAttribute(null=True)
    next_password_hash = TextAttribute(null=True)
    password_note = TextAttribute(null=True)
    brought_password = FlagAttribute(null=True)
    keeps_list = FlagAttribute(null=True)
    list_version = IntegerAttribute(null=True)
    list_due_shard = TextAttribute(null=True)
    list_operator = TextAttribute(null=True)
    list_until_s = IntegerAttribute(null=True)
    list_more = TextAttribute(null=True)
    list_sent = IntegerAttribute(null=True)
    list_size = IntegerAttribute(null=True)
    limits = TextAttribute(null=True)
    traced_until = TimeAttribute(null=True)
    plugs = TextAttribute(null=True)
    place = TextAttribute(null=True)
    connection_id = TextAttribute(null=True)
    previous_connection_id = TextAttribute(null=True)
    protocol = TextAttribute(null=True)
    connected_at = TimeAttribute(null=True)
    vendor = TextAttribute(null=True)
    model = TextAttribute(null=True)
    serial = TextAttribute(null=True)
    firmware = TextAttribute(null=True)
    has_main_meter = FlagAttribute(null=True)
    has_card_terminal = FlagAttribute(null=True)
    setup_profile = TextAttribute(null=True)
    metering = TextAttribute(null=True)
    ability = TextAttribute(null=True)
    booted_at = TimeAttribute(null=True)
    disconnected_at = TimeAttribute(null=True)
    was_renewed = FlagAttribute(null=True)
    certificate_until = TimeAttribute(null=True)
    plug_in_s = IntegerAttribute(null=True)
    silent_until = TimeAttribute(null=True)
    watched_until = TimeAttribute(null=True)
    managed_at = TextAttribute(null=True)
    is_site_meter = FlagAttribute(null=True)
    signs = FlagAttribute(null=True)

    status = TextAttribute(null=True)
    status_at = TimeAttribute(null=True)
    told_at = TimeAttribute(null=True)
    error = TextAttribute(null=True)
    skew_s = IntegerAttribute(null=True)
    session_id = TextAttribute(null=True)
    last_session_id = TextAttribute(null=True)
    reserved_for = TextAttribute(null=True)
    reserved_until = TimeAttribute(null=True)
    # Who waits for the connector: "Unix second of the end/watch/driver".
    watchers = TextSetAttribute(null=True)
    spellings = TextSetAttribute(null=True)
    is_found_in_any_case = FlagAttribute(null=True)
    # Only of a station's own meter, which has a row of its own.
    meter_energy_wh = IntegerAttribute(null=True)
    meter_energy_at = TimeAttribute(null=True)
    meter_power_w = IntegerAttribute(null=True)
    meter_power_at = TimeAttribute(null=True)
    meter_current = TextAttribute(null=True)
    meter_current_at = TimeAttribute(null=True)
    setup_is_due = FlagAttribute(null=True)
    # Only of the item "setup": what was asked last, and all that is known of the charger's settings.
    awaited = TextAttribute(null=True)
    body = TextAttribute(null=True)
    # Only of the item "allowance": when each token bucket will be full again.
    messages_full_at_ms = IntegerAttribute(null=True)
    transactions_full_at_ms = IntegerAttribute(null=True)
    # Only of chargers nobody has accepted yet.
    pending_operator = TextAttribute(null=True)
    expires_at = ExpiryAttribute(null=True)

    by_operator = ChargersByOperator()
    by_site = ChargersBySite()
    list_due = ChargersWithListDue()
    lists = ChargersThatKeepLists()
    pending = PendingChargers()


class SiteRow(Row):
    """A site (OCPI Location): a place with one grid connection, and its tariff."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}sites"

    site_id = TextAttribute(hash_key=True)
    operator_id = TextAttribute()
    body = TextAttribute()


class PlaceRow(Row):
    """A charger where a search finds it; what it does now stands apart, to be changed alone."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}places"

    area = TextAttribute(hash_key=True)
    cell = TextAttribute(range_key=True)
    body = TextAttribute()
    online = FlagAttribute()
    is_metered = FlagAttribute(null=True)
    statuses = TextMapAttribute()
    kept = TextMapAttribute()


class ConnectionRow(Row):
    """An open socket by its connection id: which charger's, and the subprotocol agreed."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}connections"

    connection_id = TextAttribute(hash_key=True)
    body = TextAttribute()
    expires_at = ExpiryAttribute()


class LinesWaiting(GlobalSecondaryIndex["CallRow"]):  # type: ignore[no-untyped-call]
    """Finds lines at which calls wait, by when the call before them is overdue; a line is here only while some do."""

    class Meta:
        index_name = "waiting"
        projection = KeysOnlyProjection()

    waiting_shard = TextAttribute(hash_key=True)
    asked_until = TimeAttribute(range_key=True)


class CallRow(Row):
    """A command; or, under a charger's name and "#line", the call that is open there and those that wait for it."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}calls"

    charger_id = TextAttribute(hash_key=True)
    message_id = TextAttribute(range_key=True)
    body = TextAttribute(null=True)
    result = TextAttribute(null=True)
    answered_at = TimeAttribute(null=True)
    # What is to be sent, only while it waits.
    frame = TextAttribute(null=True)
    expires_at = ExpiryAttribute()

    # Only of a line.
    asked = TextAttribute(null=True)
    asked_action = TextAttribute(null=True)
    asked_until = TimeAttribute(null=True)
    # The call itself, of those that have no row of their own.
    asked_call = TextAttribute(null=True)
    overtaken = TextAttribute(null=True)
    overtaken_call = TextAttribute(null=True)
    overtaken_until = TimeAttribute(null=True)
    connection_id = TextAttribute(null=True)
    waiting = TextSetAttribute(null=True)
    waiting_shard = TextAttribute(null=True)

    waiting_lines = LinesWaiting()


class JournalRow(Row):
    """A logged message, by charger; `position` is its time and a digest of what it says."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}journal"

    charger_id = TextAttribute(hash_key=True)
    position = TextAttribute(range_key=True)
    body = TextAttribute()
    expires_at = ExpiryAttribute()


class HistoryRow(Row):
    """A change of a charger's line or of a connector's status, from which uptime follows."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}history"

    charger_id = TextAttribute(hash_key=True)
    position = TextAttribute(range_key=True)
    body = TextAttribute()
    expires_at = ExpiryAttribute()


class ReportRow(Row):
    """A part of a report; `report` is the charger, the kind and the request's number."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}reports"

    report = TextAttribute(hash_key=True)
    part = TextAttribute(range_key=True)
    body = TextAttribute()
    expires_at = ExpiryAttribute()


class KnockRow(Row):
    """Refused connections of one kind on one day; `place` is the day and what they have in common."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}knocks"

    operator_id = TextAttribute(hash_key=True)
    place = TextAttribute(range_key=True)
    charger_id = TextAttribute(null=True)
    name = TextAttribute(null=True)
    reason = TextAttribute(null=True)
    why = TextAttribute(null=True)
    at = TimeAttribute(null=True)
    first_at = TimeAttribute(null=True)
    knocks = IntegerAttribute(null=True)
    expires_at = ExpiryAttribute(null=True)
