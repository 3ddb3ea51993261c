"""No frame gives an unhandled exception, a lost session or an endless item, whatever it says in any version."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.fuzz import PROTOCOLS, answers, bent, frames, incoming, outgoing, payloads
from chalicelib.adapters.tables import TABLES
from chalicelib.domain.chargers.commands import Ask, Unable
from chalicelib.domain.charging.session import State
from chalicelib.protocol.ocpp import dialect_for
from chalicelib.protocol.ocpp.frames import pack_call, parse, violation
from chalicelib.records.chargers import Connection, Purpose
from chalicelib.services.ocpp import conversation
from chalicelib.services.ocpp.conversation import Conversation
from tests.services.conftest import CARD, NOW, Kit

# The same frames every time: `make bench` is where new ones are tried.
BOUNDED = settings(
    max_examples=40,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
# DynamoDB's limit is 400 KB; a frame of API Gateway's is 128 KB at most.
LARGEST_ITEM = 200_000
PURPOSES = [purpose for purpose in Purpose if purpose is not Purpose.START]


# What load balancing sends along with a limit, and with the question what limits there are.
_LIMIT = {"site": "harbour", "connector": "1", "kind": "grant", "is_awaited": True}
_SCHEDULE = {**_LIMIT, "kind": "read", "voltage_v": 230, "phases": 3, "most_ma": 32_000, "asked_s": 3600}


def subjects(purpose: Purpose) -> st.SearchStrategy[str]:
    """What goes with a command of that purpose, for its answer to be understood by: it is ours, and always whole."""
    if purpose is Purpose.LIMIT:
        return st.sampled_from([json.dumps(_LIMIT), json.dumps(_SCHEDULE)])
    return st.just("1 full")


class Accident(AssertionError):
    """Something went wrong that nobody had foreseen."""


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def accident(what: str, **_: Any) -> None:
        raise Accident(what) from sys.exc_info()[1]

    monkeypatch.setattr(conversation._log, "exception", accident)
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(params=PROTOCOLS)
def talk(request: pytest.FixtureRequest, kit: Kit) -> tuple[Kit, Conversation, str]:
    protocol: str = request.param
    kit.clock.now = NOW + timedelta(hours=2)
    kit.sockets.opened(
        Connection(connection_id="c-9", charger_id="CP-1", operator_id="op", protocol=protocol),
        NOW + timedelta(hours=1),
    )
    return kit, kit.conversation, protocol


def say(conversation: Conversation, text: str) -> Any:
    answer = conversation.receive("c-9", text)
    if answer is None:
        return None
    frame = json.loads(answer)
    assert frame[0] in (3, 4)
    return frame


@BOUNDED
@given(data=st.data())
def test_no_frame_whatever_raises_or_goes_unanswered(talk: tuple[Kit, Conversation, str], data: st.DataObject) -> None:
    _, conversation, protocol = talk
    text = data.draw(frames(protocol))
    answer = say(conversation, text)
    try:
        frame = json.loads(text)
    except ValueError:
        assert answer[2] in ("RpcFrameworkError", "FormationViolation")
        return
    if isinstance(frame, list) and len(frame) > 2 and frame[0] == 2 and isinstance(frame[1], str) and frame[1]:
        assert answer[1] == frame[1]


@BOUNDED
@given(data=st.data())
def test_every_valid_request_of_every_action_is_answered_validly(
    talk: tuple[Kit, Conversation, str], data: st.DataObject
) -> None:
    _, conversation, protocol = talk
    dialect = dialect_for(protocol)
    for action in data.draw(st.lists(st.sampled_from(incoming(protocol)), min_size=1, max_size=3)):
        kind = 6 if action in dialect.silent else 2
        payload = data.draw(payloads(protocol, action))
        answer = say(conversation, json.dumps([kind, "m-1", action, payload]))
        if kind == 6:
            assert answer is None
        elif answer[0] == 3:
            assert violation(dialect.schemas, f"{action}Response", answer[2]) is None, (action, payload, answer)


@BOUNDED
@given(data=st.data())
def test_every_answer_to_every_command_is_taken(talk: tuple[Kit, Conversation, str], data: st.DataObject) -> None:
    kit, conversation, protocol = talk
    for action in data.draw(st.lists(st.sampled_from(outgoing(protocol)), min_size=1, max_size=2)):
        whole = answers(protocol, action)
        payload = data.draw(payloads(protocol, action))
        try:
            purpose = data.draw(st.sampled_from(PURPOSES))
            call = kit.commands.send("CP-1", Ask(action, payload), purpose, data.draw(subjects(purpose)))
        except Unable:
            continue
        assert say(conversation, json.dumps([3, call.message_id, data.draw(whole | bent(whole))])) is None
        if call.is_kept_in_line:
            continue
        answered = kit.calls.get("CP-1", call.message_id)
        assert answered is not None
        assert answered.result is not None


@BOUNDED
@given(data=st.data())
def test_a_session_survives_whatever_is_said_meanwhile(
    talk: tuple[Kit, Conversation, str], data: st.DataObject
) -> None:
    kit, conversation, protocol = talk
    number = data.draw(st.integers(0, 2**30))
    began = f"2026-11-21T09:{number % 60:02}:{number // 60 % 60:02}.{number // 3600:06}Z"
    ref = f"tx-{number}"
    if protocol == "ocpp1.6":
        start = {"connectorId": 2, "idTag": CARD, "meterStart": 1000, "timestamp": began}
        ref = str(say(conversation, json.dumps([2, "s", "StartTransaction", start]))[2]["transactionId"])
        stop: Any = {"transactionId": int(ref), "meterStop": 3000, "timestamp": "2026-11-21T11:00:00Z"}
        last = json.dumps([2, "e", "StopTransaction", stop])
    else:
        say(conversation, event201("Started", ref, began, 0, 1000))
        last = event201("Ended", ref, "2026-11-21T11:00:00Z", 1, 3000)
    for _ in range(3):
        say(conversation, data.draw(frames(protocol)))
    say(conversation, last)
    facts = kit.transactions.get("CP-1", ref)
    assert facts is not None
    assert facts.session_id is not None
    session = kit.session(facts.session_id)
    assert (session.state, session.ref) == (State.STOPPING, ref)
    assert (session.meter_start_wh, session.meter_stop_wh) == (1000, 3000)


def event201(kind: str, ref: str, at: str, seq_no: int, register_wh: int) -> str:
    mark = {"Started": "Transaction.Begin", "Ended": "Transaction.End"}[kind]
    payload = {
        "eventType": kind,
        "timestamp": at,
        "triggerReason": "Authorized",
        "seqNo": seq_no,
        "transactionInfo": {"transactionId": ref},
        "evse": {"id": 2, "connectorId": 1},
        "idToken": {"idToken": CARD, "type": "ISO14443"},
        "meterValue": [{"timestamp": at, "sampledValue": [{"value": register_wh, "context": mark}]}],
    }
    return json.dumps([2, "e", "TransactionEvent", payload])


def test_the_largest_frame_makes_no_endless_item(talk: tuple[Kit, Conversation, str]) -> None:
    _, conversation, protocol = talk
    for action in incoming(protocol):
        for payload in ({"x": "y" * 120_000}, {f"k{n}": n for n in range(9_000)}, {"vendorId": "z" * 120_000}):
            say(conversation, json.dumps([2, "m" * 255, action, payload]))
    say(conversation, "x" * 128_000)
    say(conversation, "[" * 60_000)
    for model in TABLES:
        for row in model.scan():
            assert len(json.dumps(row.to_dynamodb_dict())) < LARGEST_ITEM


def test_what_we_send_is_what_can_be_read(kit: Kit) -> None:
    assert parse(pack_call("1", "Reset", {"type": "Hard"}))
