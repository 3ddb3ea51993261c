"""What a function does to our tables, its handwritten policy allows: moto lets everybody do everything."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, cast

import pytest
from botocore.client import BaseClient

from chalicelib.domain.chargers.commands import CommandResult, ReadListVersion, StopCharging, Verdict
from chalicelib.domain.chargers.events import ConnectorId, ConnectorStatus
from chalicelib.domain.charging.limits import Limits
from chalicelib.domain.charging.names import session_id_for
from chalicelib.ports.drivers import Identity
from chalicelib.ports.money import Payments
from chalicelib.records.chargers import Charger, ConnectorState, Purpose, Site
from chalicelib.records.drivers import Driver, Token
from chalicelib.records.money import CardSetup, SavedCard
from chalicelib.services.chargers.connections import ChargerCredentials
from chalicelib.services.chargers.passwords import hash_password
from chalicelib.services.drivers.accounts import Accounts
from chalicelib.services.drivers.token_rules import TokenRules
from tests.services.charging.test_quirks import CARD201, Talk, event, meter, told
from tests.services.conftest import CARD, NOW, Kit, sent_call
from tests.services.reservations.test_reservations import FEES
from tests.services.sessions.test_lifecycle import Run

POLICIES = Path(__file__).parents[3] / ".chalice"


def allowed(policy: str) -> list[tuple[str, str]]:
    """Each action and table that a policy names."""
    statements = json.loads((POLICIES / f"policy-{policy}.json").read_text())["Statement"]
    return [
        (action, resource.partition(":table/")[2])
        for it in statements
        for action in it["Action"]
        for resource in it["Resource"]
    ]


@contextmanager
def within(policy: str) -> Iterator[None]:
    """Fail when something is done to a table that the policy does not allow."""
    client_class: Any = BaseClient
    original = client_class._make_api_call
    known = allowed(policy)
    done: set[tuple[str, str]] = set()

    def make_api_call(client: Any, operation: str, params: dict[str, Any]) -> Any:
        if operation == "TransactWriteItems":
            done.update(("PutItem", it["Put"]["TableName"]) for it in params["TransactItems"])
        elif operation == "BatchGetItem":
            done.update((operation, table) for table in params["RequestItems"])
        elif "TableName" in params:
            index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
            done.add((operation, params["TableName"] + index))
        return original(client, operation, params)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(client_class, "_make_api_call", make_api_call)
        yield
    refused = {
        (action, table)
        for action, table in done
        if not any(f"dynamodb:{action}" == may and fnmatch(table, pattern) for may, pattern in known)
    }
    assert refused == set()


@pytest.fixture
def run(kit: Kit) -> Run:
    return Run(kit)


def test_the_sweep_may_give_back_a_hold(run: Run) -> None:
    run.steps.place_hold(run.session_id, "token-hold")
    run.kit.clock.advance(minutes=10)
    with within("sweep"):
        run.steps.sweep()
    assert run.money.voided


def test_the_steps_may_do_what_they_do(run: Run) -> None:
    steps = run.steps
    with within("place_hold"):
        steps.place_hold(run.session_id, "token-hold")
    with within("start_charging"):
        steps.start_charging(run.session_id, "token-start")
    run.charged()
    with within("await_end"):
        steps.await_end(run.session_id, "token-end")
    with within("stop_charging"):
        steps.stop_charging(run.session_id, "token-stop")
    with within("settle"):
        steps.settle(run.session_id, "token-payment")
    run.webhook("captured", 450)
    with within("issue_receipt"):
        steps.issue_receipt(run.session_id)
    with within("abort"):
        steps.abort(run.session_id, "Lambda.Unknown", "")


def test_a_driver_may_save_a_card(kit: Kit) -> None:
    class Provider:
        def create_customer(self, driver_id: str, email: str) -> str:
            return "cus_2"

        def begin_card_setup(self, customer_id: str, request_id: str) -> CardSetup:
            return CardSetup("seti_1", "secret", "pk")

        def saved_card(self, customer_id: str, setup_id: str) -> SavedCard:
            return SavedCard(payment_method_id="pm_2", label="visa 4242")

    kit.drivers.put(Driver(driver_id="driver-2", email="two@example.com"))
    accounts = Accounts(
        drivers=kit.drivers,
        identity=cast(Identity, None),
        second_factors=kit.second_factors,
        payments=lambda: cast(Payments, Provider()),
        new_id=kit.new_id,
        sleep=time.sleep,
    )
    with within("api"):
        accounts.begin_card_setup("driver-2")
        accounts.save_card("driver-2", "seti_1")


def test_a_charger_may_tell_all_it_has_to_tell(kit: Kit) -> None:
    kit.show_on_map(
        Charger(
            charger_id="CP-1",
            operator_id="op",
            site_id="harbour",
            password_hash="",
            connectors=(ConnectorId(1),),
            keeps_list=True,
        )
    )
    app = kit.app_session()
    kit.sessions.save(app, replace(app, limits=Limits(energy_wh=100)))
    talk, talk201 = Talk(kit, "ocpp1.6"), Talk(kit, "ocpp2.0.1")
    with within("message"):
        begun = talk.start()
        follows = talk.start(idTag=app.token, meterStart=None)
        talk.read(2000, transactionId=follows)
        talk.stop(follows)
        talk.stop(begun)
        talk.say("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"})
        talk.say("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
        event(talk201, "Updated", 1, "tx-2", idToken=CARD201, meterValue=meter(100))
        call = kit.commands.send("CP-1", ReadListVersion(), Purpose.LIST_VERSION)
        talk201.say_text(f'[3,"{call.message_id}",{{"versionNumber":0}}]')
    kit.clock.advance(minutes=20)
    with within("claim"):
        assert kit.unclaimed.sweep() == 1
    with within("lists"):
        kit.held_lists.mark_due("CP-1")
        kit.local_lists.tend()


def test_whoever_sets_a_charger_up_may_tell_its_site(kit: Kit) -> None:
    charger = kit.chargers.get("CP-1")
    assert charger is not None
    for policy in ("message", "api", "lists"):
        with within(policy):
            kit.provisioning.ability_told(replace(charger, managed_at="harbour"))


def test_what_waits_for_a_chargers_line_may_be_sent_by_whoever_frees_it(kit: Kit) -> None:
    with within("api"):
        kit.remote_control.order("op", "CP-1", ReadListVersion(), None)
        kit.remote_control.order("op", "CP-1", ReadListVersion(), None)
    run = Run(kit)
    with within("start_charging"):
        run.steps.start_charging(run.session_id, "token-start")
    with within("sweep"), within("stop_charging"), within("reservations"):
        kit.commands.send("CP-1", StopCharging("7"), Purpose.STOP)
    with within("message"):
        for frame in list(kit.link.sent):
            kit.conversation.receive("c-1", json.dumps([3, json.loads(frame)[1], {"status": "Accepted"}]))
    kit.remote_control.order("op", "CP-1", ReadListVersion(), None)
    kit.clock.advance(seconds=31)
    with within("lists"):
        assert kit.commands.tend() == 1
    with within("api"):
        waiting = kit.remote_control.order("op", "CP-1", ReadListVersion(), None)
        kit.remote_control.fate("op", "CP-1", waiting.message_id, wait_s=2)


def test_a_charger_may_come_and_go(kit: Kit) -> None:
    kit.show_on_map(
        Charger(
            charger_id="CP-1",
            operator_id="op",
            site_id="harbour",
            password_hash="",
            connectors=(ConnectorId(1),),
            security_profile=0,
        )
    )
    door = kit.welcoming()
    with within("connect"):
        door.open("c-2", "CP-1", ChargerCredentials(), ["ocpp1.6"], NOW + timedelta(seconds=1))
        door.open("c-3", "CP-3", ChargerCredentials(), ["ocpp1.6"], NOW + timedelta(seconds=1))
    with within("disconnect"):
        door.close("c-2")


def test_what_was_heard_meanwhile_may_be_asked_for_where_a_charge_is_told_late_and_twice(kit: Kit) -> None:
    talk, talk201 = Talk(kit, "ocpp1.6"), Talk(kit, "ocpp2.0.1")
    with within("message"):
        first = talk.start(timestamp=told(NOW - timedelta(hours=2)))
        second = talk.start(timestamp=told(NOW - timedelta(minutes=90)))
        talk.stop(first, 4000)
        talk.stop(second, 4000)
        nobodys = {"evse": {"id": 2, "connectorId": 1}, "timestamp": told(NOW - timedelta(hours=1))}
        event(talk201, "Started", 0, "tx-2", meterValue=meter(100), **nobodys)
        event(talk201, "Ended", 1, "tx-2", meterValue=meter(900))
    sessions = [kit.session(session_id_for("transaction", "CP-1", str(ref))) for ref in (first, second)]
    with within("settle"):
        assert [kit.metering.measured(it).measured_wh for it in sessions] == [3000, 0]
    kit.clock.advance(minutes=20)
    with within("claim"):
        assert kit.unclaimed.sweep() == 1


def test_the_reservations_schedule_may_end_what_is_over(kit: Kit) -> None:
    kit.sites.put(
        Site(
            site_id="harbour",
            operator_id="op",
            name="Harbour",
            address="Quay 1",
            time_zone="Europe/Berlin",
            tariff_id="standard",
            latitude=53.5,
            longitude=9.9,
        )
    )
    kit.tariffs.put(FEES)
    kit.registry.put_charger(
        Charger(charger_id="CP-1", operator_id="op", site_id="harbour", password_hash="", connectors=(ConnectorId(1),)),
        None,
    )
    kit.connectors.set_status(
        "CP-1", ConnectorState(connector=ConnectorId(1), status=ConnectorStatus.AVAILABLE, status_at=NOW)
    )
    with within("api"):
        made, _ = kit.driver_reservations.make("driver-1", "CP-1", ConnectorId(1), timedelta(0), "k")
        kit.driver_reservations.extend("driver-1", made.reservation_id)
    with within("message"):
        call = sent_call(Purpose.RESERVE, made.reservation_id)
        kit.driver_reservations.answered(call, CommandResult(verdict=Verdict.REJECTED, detail="Rejected"))
    kit.clock.advance(hours=1)
    with within("reservations"):
        assert kit.driver_reservations.sweep() == 1
    assert kit.sessions.get(made.reservation_id) is not None


def test_a_charger_may_prove_a_claim_show_a_card_that_is_refused_and_one_that_is_nobodys(kit: Kit) -> None:
    vars(kit)["token_rules"] = TokenRules(home_operator="op", misses_an_hour=1)
    with within("api"):
        kit.driver_tokens.put("driver-1", "AA000001", blocked=False)
        kit.issued_tokens.issue(Token(uid="AA000002", operator_id="op", driver_id="driver-1"))
        kit.driver_tokens.put("driver-1", "AA000002", blocked=True)
    talk = Talk(kit, "ocpp1.6")
    with within("message"):
        statuses = [
            talk.say("Authorize", {"idTag": uid})["idTagInfo"]["status"]
            for uid in ("AA000001", "AA000002", "AA000003", CARD)
        ]
    assert statuses == ["Accepted", "Blocked", "Invalid", "Invalid"]


@pytest.mark.parametrize("policy", ["message", "claim"])
def test_so_may_the_schedule_that_takes_up_what_nobody_claimed(kit: Kit, policy: str) -> None:
    vars(kit)["token_rules"] = TokenRules(home_operator="op", misses_an_hour=1)
    kit.driver_tokens.put("driver-1", "AA000001", blocked=False)
    with within(policy):
        for uid in ("AA000001", "AA000003"):
            kit.authorizations.authorization("CP-1", "op", uid)


def test_the_door_may_end_what_an_old_password_opened(kit: Kit) -> None:
    kit.chargers.put(
        Charger(
            charger_id="CP-7",
            operator_id="op",
            site_id="harbour",
            password_hash=hash_password(b"old-password", b"salt" * 4),
            connectors=(ConnectorId(1),),
        )
    )
    kit.charger_passwords.offer("CP-7", hash_password(b"new-password", b"salt" * 4))
    with within("connect"):
        for number, password in enumerate((b"CP-7:old-password", b"CP-7:new-password")):
            shown = ChargerCredentials("Basic " + base64.b64encode(password).decode())
            kit.connections.open(f"c-{number}", "CP-7", shown, ["ocpp1.6"], NOW + timedelta(seconds=number))
    with within("api"):
        charger = kit.chargers.get("CP-7")
        assert charger is not None
        kit.registry.put_charger(charger, "another-password")
