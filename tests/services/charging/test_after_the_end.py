"""What is told of a time after a charge's end changes nothing of it, whenever it arrives and however often."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.charging.session import Session, State
from tests.properties import IN_A_FIXTURE
from tests.services.charging.test_quirks import CARD201, Talk, told
from tests.services.charging.test_which_connector import card_session
from tests.services.conftest import CARD, NOW, Kit

ENDED_AT = NOW + timedelta(hours=1)
# After the end the meter runs on: whatever is plugged in beside the charge, or the next car.
AFTER = ((ENDED_AT + timedelta(seconds=10), 3200), (ENDED_AT + timedelta(minutes=5), 9000))
BEFORE = ((NOW + timedelta(minutes=20), 1700), (NOW + timedelta(minutes=40), 2400))


def value(at: datetime, energy_wh: int) -> dict[str, Any]:
    return {"timestamp": told(at), "sampledValue": [{"value": str(energy_wh)}]}


def read(talk: Talk, ref: int, *known: tuple[datetime, int]) -> None:
    values = [value(at, energy_wh) for at, energy_wh in known]
    talk.say("MeterValues", {"connectorId": 1, "transactionId": ref, "meterValue": values})


def billed(kit: Kit, session: Session) -> Session:
    kit.lifecycle.settle(session.session_id, "token-payment")
    return kit.session(session.session_id)


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("meter_stop", [3000, -1])
def test_readings_of_a_time_after_the_end_are_not_billed(talk: Talk, is_first: bool, meter_stop: int) -> None:
    """-1: the charger does not know its last register, so that readings decide."""
    ref = talk.start()
    read(talk, ref, *BEFORE, (ENDED_AT, 3000))
    talk.kit.clock.now = ENDED_AT + timedelta(minutes=6)
    if is_first:
        read(talk, ref, *AFTER)
    talk.stop(ref, meter_stop, timestamp=told(ENDED_AT))
    if not is_first:
        read(talk, ref, *AFTER)
    session = card_session(talk.kit, ref)
    assert talk.kit.driver_sessions.watch("driver-1", session.session_id).energy_wh == 2000
    session = billed(talk.kit, session)
    assert session.bill is not None
    assert (session.measured_wh, session.bill.total_minor) == (2000, 90)


def test_a_frame_across_the_end_counts_up_to_it(talk: Talk) -> None:
    ref = talk.start()
    talk.kit.clock.now = ENDED_AT + timedelta(minutes=6)
    read(talk, ref, *BEFORE, (ENDED_AT, 3000), *AFTER)
    talk.stop(ref, -1, timestamp=told(ENDED_AT))
    assert billed(talk.kit, card_session(talk.kit, ref)).measured_wh == 2000


def test_an_updated_after_ended_changes_nothing(talk201: Talk) -> None:
    kit = talk201.kit

    def event(kind: str, seq_no: int, at: datetime, energy_wh: int) -> None:
        info = {"transactionId": "tx-1", "chargingState": "Charging"}
        where = {"evse": {"id": 1, "connectorId": 1}, "idToken": CARD201}
        facts = {"eventType": kind, "timestamp": told(at), "triggerReason": "Authorized", "seqNo": seq_no}
        sampled = {"timestamp": told(at), "sampledValue": [{"value": energy_wh}]}
        talk201.say("TransactionEvent", {**facts, "transactionInfo": info, **where, "meterValue": [sampled]})

    event("Started", 0, NOW, 1000)
    kit.clock.now = ENDED_AT
    event("Ended", 2, ENDED_AT, 3000)
    ended = card_session(kit, "tx-1")
    for seq_no, (at, energy_wh) in enumerate((*AFTER, (NOW + timedelta(minutes=30), 2000)), start=3):
        kit.clock.advance(minutes=5)
        event("Updated", seq_no, at, energy_wh)
    assert card_session(kit, "tx-1") == ended
    session = billed(kit, ended)
    assert (session.state, session.measured_wh, session.flags) == (State.STOPPING, 2000, frozenset())


REPEATED = ("start", "read 0", "read 1", "read after", "stop")


@settings(max_examples=5, deadline=None, suppress_health_check=IN_A_FIXTURE)
@given(order=st.permutations([*REPEATED, "start", "read 1", "read after", "stop"]), number=st.integers(0, 10**6))
def test_whatever_the_order_and_repetition_of_a_charges_messages_its_bill_is_the_same(
    kit: Kit, order: list[str], number: int
) -> None:
    """The number of a 1.6 transaction is known by its start: what is told before that start comes by another session.

    So here the charger's own id (2.0.1) names it throughout, as it does where messages overtake each other. Each charge
    is on a day of its own: of one plug's time only one is believed.
    """
    talk = Talk(kit, "ocpp2.0.1")
    ref, later = f"tx-{number}-{len(kit.workflow.started)}", timedelta(days=len(kit.workflow.started))
    seq_nos = {"start": 0, "read 0": 1, "read 1": 2, "stop": 3, "read after": 4}
    facts = {"start": (NOW, 1000), "read 0": BEFORE[0], "read 1": BEFORE[1], "stop": (ENDED_AT, 3000)}
    facts["read after"] = AFTER[1]
    kit.clock.now = ENDED_AT + timedelta(minutes=6) + later
    for what in order:
        at, energy_wh = facts[what][0] + later, facts[what][1]
        kind = {"start": "Started", "stop": "Ended"}.get(what, "Updated")
        payload: dict[str, Any] = {"eventType": kind, "timestamp": told(at), "triggerReason": "Authorized"}
        payload |= {"seqNo": seq_nos[what], "transactionInfo": {"transactionId": ref}}
        payload |= {"evse": {"id": 1, "connectorId": 1}, "meterValue": [value(at, energy_wh)]}
        payload["meterValue"][0]["sampledValue"][0]["value"] = energy_wh
        if kind == "Started":
            payload["idToken"] = {"idToken": CARD, "type": "ISO14443"}
        talk.say("TransactionEvent", payload)
    session = billed(kit, card_session(kit, ref))
    assert session.bill is not None
    assert (session.measured_wh, session.bill.total_minor) == (2000, 90)
    assert (session.started_at, session.stopped_at) == (NOW + later, ENDED_AT + later)
    assert session.flags == frozenset()
