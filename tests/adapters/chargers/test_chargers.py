"""What is known of a charger survives duplicates, stale sockets and reports that come in the wrong order."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.adapters.chargers.connectors import DynamoConnectors
from chalicelib.adapters.chargers.news import DynamoChargerNews
from chalicelib.adapters.chargers.registry import DynamoChargers
from chalicelib.adapters.chargers.sockets import DynamoSockets
from chalicelib.adapters.tables import ChargerRow, ConnectionRow
from chalicelib.domain.chargers.events import ConnectorId, ConnectorStatus
from chalicelib.records import Conflict
from chalicelib.records.chargers import Charger, Connection, ConnectorState
from chalicelib.records.pages import BadCursor
from tests.adapters.conftest import NOW, race

pytestmark = pytest.mark.usefixtures("tables")

ONE, TWO, SECOND_PLUG = ConnectorId(1), ConnectorId(2), ConnectorId(2, 3)
# Whoever is registered is found under its name in any case.
CHARGER = Charger(
    charger_id="CP-1",
    operator_id="op-1",
    site_id="site-1",
    password_hash="scrypt$hash",
    connectors=(ONE, SECOND_PLUG),
    is_found_in_any_case=True,
)
OLD = Connection(connection_id="socket-old", charger_id="CP-1", operator_id="op-1", protocol="ocpp1.6")
NEW = Connection(connection_id="socket-new", charger_id="CP-1", operator_id="op-1", protocol="ocpp2.0.1")
LATER = NOW + timedelta(seconds=1)


@pytest.fixture(autouse=True)
def chargers(tables: None) -> DynamoChargers:
    chargers = DynamoChargers()
    chargers.put(CHARGER)
    return chargers


@pytest.fixture
def sockets() -> DynamoSockets:
    return DynamoSockets()


@pytest.fixture
def connectors() -> DynamoConnectors:
    return DynamoConnectors()


@pytest.fixture
def news() -> DynamoChargerNews:
    return DynamoChargerNews()


def known(chargers: DynamoChargers) -> Charger:
    charger = chargers.get("CP-1")
    assert charger is not None
    return charger


def test_a_charger_comes_back_as_registered(chargers: DynamoChargers) -> None:
    assert chargers.get("CP-1") == CHARGER


@pytest.mark.parametrize("charger_id", ["CP-2", "", "x" * 3000])
def test_an_unknown_charger_is_none(chargers: DynamoChargers, charger_id: str) -> None:
    assert chargers.get(charger_id) is None


def test_registering_again_keeps_socket_and_boot_facts(
    chargers: DynamoChargers, sockets: DynamoSockets, news: DynamoChargerNews
) -> None:
    sockets.opened(NEW, NOW)
    news.booted("CP-1", "Acme", "Z", "serial", "1.0")
    chargers.put(replace(CHARGER, site_id="site-2", connectors=(ONE,)))

    assert known(chargers).booted_at is not None
    assert replace(known(chargers), booted_at=None) == replace(
        CHARGER,
        site_id="site-2",
        connectors=(ONE,),
        connection_id="socket-new",
        protocol="ocpp2.0.1",
        connected_at=NOW,
        vendor="Acme",
        model="Z",
        serial="serial",
        firmware="1.0",
    )


def test_no_operator_can_register_anothers_charger(chargers: DynamoChargers) -> None:
    with pytest.raises(Conflict):
        chargers.put(replace(CHARGER, operator_id="op-2", password_hash="mine now"))

    assert chargers.get("CP-1") == CHARGER


def test_a_sites_chargers_are_found_and_no_others(chargers: DynamoChargers, connectors: DynamoConnectors) -> None:
    second = replace(CHARGER, charger_id="CP-0")
    chargers.put(second)
    chargers.put(replace(CHARGER, charger_id="CP-8", site_id="elsewhere"))
    chargers.put(replace(CHARGER, charger_id="CP-9", operator_id="op-2", site_id="another's"))
    moved = replace(CHARGER, charger_id="CP-7")
    chargers.put(moved)
    chargers.put(replace(moved, site_id="elsewhere"))
    connectors.claim("CP-1", ONE, "session-1")

    assert chargers.at_site(CHARGER.site_id, 10, "") == ([second, CHARGER], None)
    assert chargers.at_site("nowhere", 10, "") == ([], None)


def test_booting_again_replaces_what_was_said_before(chargers: DynamoChargers, news: DynamoChargerNews) -> None:
    news.booted("CP-1", "Acme", "Z", "serial", "1.0")
    news.booted("CP-1", "Acme", "Z", None, "1.1")

    assert known(chargers).booted_at is not None
    assert replace(known(chargers), booted_at=None) == replace(CHARGER, vendor="Acme", model="Z", firmware="1.1")


def test_a_charger_nobody_registered_cannot_boot_itself_into_the_registry(
    chargers: DynamoChargers, sockets: DynamoSockets, news: DynamoChargerNews
) -> None:
    news.booted("CP-2", "Acme", "Z", None, None)
    sockets.opened(replace(NEW, charger_id="CP-2"), NOW)

    assert chargers.get("CP-2") is None


def test_a_first_socket_replaces_nothing(chargers: DynamoChargers, sockets: DynamoSockets) -> None:
    assert sockets.opened(NEW, NOW) is None
    assert known(chargers).connection_id == "socket-new"
    assert known(chargers).protocol == "ocpp2.0.1"


def test_a_new_socket_wins_and_names_the_one_it_replaces(chargers: DynamoChargers, sockets: DynamoSockets) -> None:
    sockets.opened(OLD, NOW)

    assert sockets.opened(NEW, LATER) == "socket-old"
    assert known(chargers).connection_id == "socket-new"


def test_a_new_socket_of_the_same_instant_wins_too(sockets: DynamoSockets) -> None:
    sockets.opened(OLD, NOW)

    assert sockets.opened(NEW, NOW) == "socket-old"


def test_opening_the_same_socket_again_replaces_nothing(chargers: DynamoChargers, sockets: DynamoSockets) -> None:
    sockets.opened(NEW, NOW)

    assert sockets.opened(NEW, NOW) is None
    assert known(chargers).connection_id == "socket-new"


def test_late_news_of_an_older_socket_keeps_the_newer_one_and_names_the_older_as_replaced(
    chargers: DynamoChargers, sockets: DynamoSockets
) -> None:
    sockets.opened(NEW, LATER)

    assert sockets.opened(OLD, NOW) == "socket-old"
    assert known(chargers).connection_id == "socket-new"


def test_an_older_socket_still_is_the_chargers_and_may_speak(sockets: DynamoSockets) -> None:
    sockets.opened(NEW, LATER)
    sockets.opened(OLD, NOW)

    assert DynamoSockets().connection("socket-old") == OLD


def test_a_disconnect_takes_the_charger_offline(chargers: DynamoChargers, sockets: DynamoSockets) -> None:
    sockets.opened(NEW, NOW)

    gone = sockets.closed(NEW)
    assert gone is not None
    assert gone.disconnected_at is not None
    assert replace(gone, disconnected_at=None) == CHARGER
    assert known(chargers) == gone
    assert DynamoSockets().connection("socket-new") is None


def test_late_disconnect_of_old_socket_keeps_charger_online(chargers: DynamoChargers, sockets: DynamoSockets) -> None:
    sockets.opened(OLD, NOW)
    sockets.opened(NEW, LATER)

    assert sockets.closed(OLD) is None
    assert known(chargers).connection_id == "socket-new"
    assert known(chargers).connected_at == LATER


def test_a_disconnect_told_twice_is_told_once(sockets: DynamoSockets) -> None:
    sockets.opened(NEW, NOW)

    first = sockets.closed(NEW)
    assert first is not None
    assert (replace(first, disconnected_at=None), sockets.closed(NEW)) == (CHARGER, None)


def test_a_charger_that_went_offline_may_return_though_clocks_disagree(
    chargers: DynamoChargers, sockets: DynamoSockets
) -> None:
    sockets.opened(NEW, LATER)
    sockets.closed(NEW)

    assert sockets.opened(OLD, NOW) is None
    assert known(chargers).connection_id == "socket-old"


def test_a_socket_is_known_in_other_processes_and_then_costs_nothing(
    sockets: DynamoSockets, aws_calls: list[str]
) -> None:
    sockets.opened(NEW, NOW)
    elsewhere = DynamoSockets()
    aws_calls.clear()

    assert [elsewhere.connection("socket-new") for _ in range(3)] == [NEW] * 3
    assert aws_calls == ["GetItem"]


def test_a_socket_unknown_at_first_is_not_unknown_for_ever(sockets: DynamoSockets) -> None:
    assert sockets.connection("socket-new") is None

    sockets.opened(NEW, NOW)

    assert sockets.connection("socket-new") == NEW


def test_a_sockets_row_is_cleared_away_a_day_after_it_opened(sockets: DynamoSockets) -> None:
    sockets.opened(NEW, NOW)

    assert ConnectionRow.get("socket-new").expires_at == (NOW + timedelta(days=1)).replace(microsecond=0)


def test_a_registered_connector_that_never_reported_is_unknown(connectors: DynamoConnectors) -> None:
    assert connectors.of_charger("CP-1") == [ConnectorState(connector=ONE), ConnectorState(connector=SECOND_PLUG)]


def test_reported_and_registered_connectors_are_listed_by_number(connectors: DynamoConnectors) -> None:
    for number in (10, 2, 0):
        connectors.set_status(
            "CP-1", ConnectorState(connector=ConnectorId(number), status=ConnectorStatus.AVAILABLE, status_at=NOW)
        )

    assert [str(state.connector) for state in connectors.of_charger("CP-1")] == ["0", "1", "2", "2.3", "10"]


def test_a_report_is_kept_whole(connectors: DynamoConnectors) -> None:
    report = ConnectorState(
        connector=SECOND_PLUG, status=ConnectorStatus.FAULTED, status_at=NOW, error="GroundFailure: check the cable"
    )
    connectors.set_status("CP-1", report)

    assert connectors.of_charger("CP-1") == [ConnectorState(connector=ONE), report]


def test_a_report_that_comes_late_changes_nothing(connectors: DynamoConnectors) -> None:
    newer = ConnectorState(connector=ONE, status=ConnectorStatus.CHARGING, status_at=LATER)
    connectors.set_status("CP-1", newer)
    connectors.set_status(
        "CP-1", ConnectorState(connector=ONE, status=ConnectorStatus.FAULTED, status_at=NOW, error="old trouble")
    )

    assert connectors.of_charger("CP-1")[0] == newer


def test_two_reports_of_one_second_leave_the_last_to_come(connectors: DynamoConnectors) -> None:
    connectors.set_status("CP-1", ConnectorState(connector=ONE, status=ConnectorStatus.PREPARING, status_at=NOW))
    connectors.set_status("CP-1", ConnectorState(connector=ONE, status=ConnectorStatus.CHARGING, status_at=NOW))

    assert connectors.of_charger("CP-1")[0].status is ConnectorStatus.CHARGING


def test_a_report_without_a_time_is_a_mistake_of_ours(connectors: DynamoConnectors) -> None:
    with pytest.raises(ValueError, match="time"):
        connectors.set_status("CP-1", ConnectorState(connector=ONE, status=ConnectorStatus.AVAILABLE))


def test_reports_and_claims_leave_each_other_alone(connectors: DynamoConnectors) -> None:
    assert connectors.claim("CP-1", ONE, "session-1")
    connectors.set_status(
        "CP-1", ConnectorState(connector=ONE, status=ConnectorStatus.CHARGING, status_at=NOW, session_id="session-9")
    )

    assert connectors.of_charger("CP-1")[0] == ConnectorState(
        connector=ONE, status=ConnectorStatus.CHARGING, status_at=NOW, error="", session_id="session-1"
    )


def test_a_connector_belongs_to_one_session_at_a_time(connectors: DynamoConnectors) -> None:
    assert connectors.claim("CP-1", ONE, "session-1") is True
    assert connectors.claim("CP-1", ONE, "session-1") is True
    assert connectors.claim("CP-1", ONE, "session-2") is False
    assert connectors.claim("CP-1", SECOND_PLUG, "session-2") is True


def test_freeing_gives_the_connector_to_the_next(connectors: DynamoConnectors) -> None:
    connectors.claim("CP-1", ONE, "session-1")
    connectors.free("CP-1", ONE, "session-1")
    connectors.free("CP-1", ONE, "session-1")

    assert connectors.claim("CP-1", ONE, "session-2") is True


def test_a_session_cannot_free_a_connector_that_is_anothers(connectors: DynamoConnectors) -> None:
    connectors.claim("CP-1", ONE, "session-2")
    connectors.free("CP-1", ONE, "session-1")

    assert connectors.of_charger("CP-1")[0].session_id == "session-2"


def test_freeing_an_unknown_connector_leaves_no_trace(connectors: DynamoConnectors) -> None:
    connectors.free("CP-1", TWO, "session-1")

    assert {row.item for row in ChargerRow.scan()} == {"charger", "spellings"}


def test_of_many_sessions_claiming_a_connector_at_once_one_gets_it(connectors: DynamoConnectors) -> None:
    won = race(12, lambda number: connectors.claim("CP-1", ONE, f"session-{number}"))

    assert won.count(True) == 1
    assert connectors.of_charger("CP-1")[0].session_id == f"session-{won.index(True)}"


def test_of_many_sockets_opening_at_once_the_newest_stays_and_every_other_is_named_replaced(
    chargers: DynamoChargers, sockets: DynamoSockets
) -> None:
    def open_socket(number: int) -> str | None:
        connection = Connection(
            connection_id=f"socket-{number}", charger_id="CP-1", operator_id="op-1", protocol="ocpp1.6"
        )
        return sockets.opened(connection, NOW + timedelta(milliseconds=number))

    replaced = race(8, open_socket)

    assert known(chargers).connection_id == "socket-7"
    assert {name for name in replaced if name} == {f"socket-{number}" for number in range(7)}


def test_each_call_costs_what_it_says(
    chargers: DynamoChargers,
    sockets: DynamoSockets,
    connectors: DynamoConnectors,
    news: DynamoChargerNews,
    aws_calls: list[str],
) -> None:
    def cost() -> list[str]:
        spent = list(aws_calls)
        aws_calls.clear()
        return spent

    chargers.put(CHARGER)
    assert cost() == ["UpdateItem", "UpdateItem"]
    sockets.opened(OLD, NOW)
    assert cost() == ["PutItem", "UpdateItem"]
    news.booted("CP-1", "Acme", "Z", None, None)
    assert cost() == ["UpdateItem"]
    connectors.set_status("CP-1", ConnectorState(connector=ONE, status=ConnectorStatus.AVAILABLE, status_at=NOW))
    assert cost() == ["UpdateItem"]
    connectors.claim("CP-1", ONE, "session-1")
    assert cost() == ["UpdateItem"]
    connectors.free("CP-1", ONE, "session-1")
    assert cost() == ["UpdateItem"]
    chargers.get("CP-1")
    assert cost() == ["GetItem"]
    connectors.of_charger("CP-1")
    assert cost() == ["Query"]
    chargers.at_site(CHARGER.site_id, 10, "")
    assert cost() == ["Query", "BatchGetItem"]
    sockets.closed(OLD)
    assert cost() == ["UpdateItem", "DeleteItem"]


def test_an_operators_chargers_come_a_page_at_a_time_in_the_order_of_their_ids(chargers: DynamoChargers) -> None:
    for number in range(2, 8):
        chargers.put(replace(CHARGER, charger_id=f"CP-{number}"))
    chargers.put(replace(CHARGER, charger_id="CP-0", operator_id="op-2"))
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page, cursor = chargers.page_of_operator("op-1", 3, cursor)
        seen += [it.charger_id for it in page]
        if cursor is None:
            break
        assert len(page) == 3
    assert seen == [f"CP-{number}" for number in range(1, 8)]
    assert chargers.page_of_operator("op-1", 7, None)[1] is None
    assert chargers.page_of_operator("op-3", 7, None) == ([], None)


@pytest.mark.parametrize("cursor", ["", "x", "WyIiXQ==", "WyJhIiwgImIiXQ=="])
def test_a_cursor_of_chargers_that_is_not_ours_is_refused(chargers: DynamoChargers, cursor: str) -> None:
    with pytest.raises(BadCursor):
        chargers.page_of_operator("op-1", 3, cursor)
