"""One call at a time is open at a charger, whoever asks and in whatever process; a start waits for nobody long."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from chalicelib.domain.chargers.commands import ClearCache, ReadListVersion, Reset, StartCharging, StopCharging, Verdict
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.records.chargers import Connection, Gone, Purpose
from chalicelib.services.chargers.commands import ANSWER_DUE, PATIENCE
from tests.adapters.conftest import aws_calls  # noqa: F401
from tests.services.conftest import CONNECTION, NOW, Kit

START = StartCharging(ConnectorId(1), "KAAAAAAAAAAAAAAAAAAA", 7)


def said(kit: Kit) -> list[str]:
    return [json.loads(it)[2] for it in kit.link.sent]


def answer(kit: Kit, number: int, payload: dict[str, Any] | None = None, socket: Connection = CONNECTION) -> None:
    message_id = json.loads(kit.link.sent[number])[1]
    frame = [3, message_id, payload or {"status": "Accepted"}]
    kit.conversation.receive(socket.connection_id, json.dumps(frame))


@dataclass
class Meanwhile:
    """Lets something happen while somebody sleeps."""

    kit: Kit
    happen: Callable[[], None]

    def __call__(self, seconds: float) -> None:
        self.happen()
        self.kit.clock.advance(seconds=seconds)


def test_the_next_command_goes_out_with_the_answer_to_the_one_before(kit: Kit) -> None:
    kit.commands.send("CP-1", ClearCache(), Purpose.OPERATOR)
    kit.commands.send("CP-1", Reset(), Purpose.OPERATOR)
    kit.commands.send("CP-1", ReadListVersion(), Purpose.OPERATOR)
    assert said(kit) == ["ClearCache"]
    answer(kit, 0)
    assert said(kit) == ["ClearCache", "Reset"]
    answer(kit, 0)
    assert said(kit) == ["ClearCache", "Reset"], "an answer twice frees the line once"
    answer(kit, 1)
    assert said(kit) == ["ClearCache", "Reset", "GetLocalListVersion"]


def test_drivers_reservations_and_people_come_before_lists(kit: Kit) -> None:
    kit.commands.send("CP-1", ClearCache(), Purpose.OPERATOR)
    kit.commands.send("CP-1", ReadListVersion(), Purpose.LIST_VERSION)
    kit.commands.send("CP-1", Reset(), Purpose.OPERATOR)
    answer(kit, 0)
    assert said(kit) == ["ClearCache", "Reset"]
    answer(kit, 1)
    assert said(kit)[2:] == ["GetLocalListVersion"]


def test_a_start_goes_out_as_soon_as_the_charger_has_answered(kit: Kit) -> None:
    kit.commands.send("CP-1", ReadListVersion(), Purpose.LIST_VERSION)
    kit.commands.send("CP-1", ClearCache(), Purpose.OPERATOR)
    object.__setattr__(kit.commands, "sleep", Meanwhile(kit, lambda: answer(kit, 0, {"listVersion": 0})))
    call = kit.commands.send("CP-1", START, Purpose.START, "KAAAAAAAAAAAAAAAAAAA")
    assert said(kit) == ["GetLocalListVersion", "RemoteStartTransaction"]
    assert (call.waiting, call.sent_at) == ("", NOW)


@pytest.mark.parametrize(("command", "purpose"), [(START, Purpose.START), (StopCharging("7"), Purpose.STOP)])
def test_a_start_or_stop_waits_for_nobody_longer_than_a_moment(kit: Kit, command: Any, purpose: Purpose) -> None:
    kit.commands.send("CP-1", ReadListVersion(), Purpose.LIST_VERSION)
    kit.commands.send("CP-1", command, purpose)
    assert len(said(kit)) == 2
    assert kit.clock.now - NOW == PATIENCE


def test_after_a_start_that_overtook_nothing_goes_out_until_both_are_answered(kit: Kit) -> None:
    kit.commands.send("CP-1", ReadListVersion(), Purpose.LIST_VERSION)
    kit.commands.send("CP-1", START, Purpose.START)
    kit.commands.send("CP-1", Reset(), Purpose.OPERATOR)
    answer(kit, 1)
    assert said(kit) == ["GetLocalListVersion", "RemoteStartTransaction"]
    answer(kit, 0, {"listVersion": 0})
    assert said(kit) == ["GetLocalListVersion", "RemoteStartTransaction", "Reset"]


def test_a_call_that_nobody_answers_blocks_the_line_until_it_is_overdue(kit: Kit) -> None:
    kit.commands.send("CP-1", ClearCache(), Purpose.OPERATOR)
    kit.commands.send("CP-1", Reset(), Purpose.OPERATOR)
    kit.clock.advance(seconds=29)
    assert kit.commands.tend() == 0
    kit.clock.advance(seconds=2)
    assert kit.commands.tend() == 1
    assert said(kit) == ["ClearCache", "Reset"]
    assert kit.commands.tend() == 0


def test_an_answer_that_comes_late_is_heard_and_frees_nothing(kit: Kit) -> None:
    first = kit.commands.send("CP-1", ClearCache(), Purpose.OPERATOR)
    kit.clock.advance(seconds=31)
    kit.commands.send("CP-1", Reset(), Purpose.OPERATOR)
    kit.commands.send("CP-1", ReadListVersion(), Purpose.OPERATOR)
    answer(kit, 0)
    assert said(kit) == ["ClearCache", "Reset"]
    known = kit.calls.get("CP-1", first.message_id)
    assert known is not None
    assert known.result is not None


def test_what_waits_too_long_is_given_up_and_says_so(kit: Kit) -> None:
    kit.commands.send("CP-1", ClearCache(), Purpose.OPERATOR)
    waiting = kit.commands.send("CP-1", Reset(), Purpose.OPERATOR)
    kit.clock.advance(minutes=3)
    kit.commands.tend()
    assert said(kit) == ["ClearCache"]
    known = kit.calls.get("CP-1", waiting.message_id)
    assert known is not None
    assert known.result is not None
    assert known.result.verdict is Verdict.FAILED


def test_a_new_socket_is_a_new_line_and_what_waited_for_the_old_one_says_so(kit: Kit) -> None:
    open_ = kit.remote_control.order("op", "CP-1", ClearCache(), None)
    waiting = kit.remote_control.order("op", "CP-1", Reset(), None)
    kit.sockets.closed(CONNECTION)
    for it in (open_, waiting):
        fate = kit.remote_control.fate("op", "CP-1", it.message_id, wait_s=8)
        assert fate.result is not None
        assert (fate.result.verdict, fate.result.detail) == (
            Verdict.FAILED,
            "its socket closed before the charger answered",
        )
    assert kit.clock.now == NOW, "nobody waits for an answer that cannot come"
    socket = Connection(connection_id="c-2", charger_id="CP-1", operator_id="op", protocol="ocpp1.6")
    kit.sockets.opened(socket, kit.clock.now)
    kit.remote_control.order("op", "CP-1", ReadListVersion(), None)
    assert said(kit) == ["ClearCache", "GetLocalListVersion"]
    answer(kit, 1, {"listVersion": 1}, socket)
    assert said(kit) == ["ClearCache", "GetLocalListVersion"], "it was for a socket that is gone"
    answer(kit, 0, None, socket)
    fate = kit.remote_control.fate("op", "CP-1", open_.message_id)
    assert fate.result is not None
    assert fate.result.verdict is Verdict.ACCEPTED, "the charger's own word counts, however it comes"


def test_a_command_to_a_socket_that_is_gone_frees_the_line(kit: Kit) -> None:
    kit.link.is_open = False
    with pytest.raises(Gone):
        kit.commands.send("CP-1", ClearCache(), Purpose.OPERATOR)
    kit.link.is_open = True
    kit.sockets.opened(CONNECTION, kit.clock.now)
    kit.commands.send("CP-1", Reset(), Purpose.OPERATOR)
    assert said(kit) == ["Reset"]


def test_a_start_that_a_gone_socket_did_not_take_is_sent_once_its_charger_is_back(kit: Kit) -> None:
    kit.link.is_open = False
    for _ in range(2):
        with pytest.raises(Gone):
            kit.commands.send("CP-1", START, Purpose.START, name="start-1")
    kit.link.is_open = True
    kit.sockets.opened(CONNECTION, kit.clock.now)
    kit.commands.send("CP-1", START, Purpose.START, name="start-1")
    assert said(kit) == ["RemoteStartTransaction"]
    answer(kit, 0)
    kit.commands.send("CP-1", START, Purpose.START, name="start-1")
    assert said(kit) == ["RemoteStartTransaction"]


def test_a_start_that_waited_and_found_the_socket_gone_is_sent_once_its_charger_is_back(kit: Kit) -> None:
    def lose() -> None:
        kit.link.is_open = False
        answer(kit, 0, {"listVersion": 0})

    kit.commands.send("CP-1", ReadListVersion(), Purpose.LIST_VERSION)
    object.__setattr__(kit.commands, "sleep", Meanwhile(kit, lose))
    with pytest.raises(Gone):
        kit.commands.send("CP-1", START, Purpose.START, name="start-1")
    kit.link.is_open = True
    kit.sockets.opened(CONNECTION, kit.clock.now)
    kit.commands.send("CP-1", START, Purpose.START, name="start-1")
    assert said(kit) == ["GetLocalListVersion", "RemoteStartTransaction"]


def test_a_socket_that_is_said_to_be_gone_is_closed_so_that_a_charger_that_still_holds_it_comes_back(kit: Kit) -> None:
    kit.link.is_open = False
    with pytest.raises(Gone):
        kit.commands.send("CP-1", ClearCache(), Purpose.OPERATOR)
    assert kit.link.closed == [CONNECTION.connection_id]


def test_a_start_asked_for_again_is_sent_again_without_waiting_for_itself(kit: Kit) -> None:
    for _ in range(2):
        kit.commands.send("CP-1", START, Purpose.START, name="start-1")
    assert said(kit) == ["RemoteStartTransaction", "RemoteStartTransaction"]
    assert kit.clock.now == NOW


def test_whoever_waits_for_an_answer_sends_what_waits_once_the_line_is_free(kit: Kit) -> None:
    kit.remote_control.order("op", "CP-1", ClearCache(), None)
    kit.clock.advance(seconds=25)
    waiting = kit.remote_control.order("op", "CP-1", Reset(), None)
    kit.remote_control.fate("op", "CP-1", waiting.message_id, wait_s=10)
    assert said(kit) == ["ClearCache", "Reset"]


def test_a_secret_is_kept_no_longer_than_it_waits(kit: Kit) -> None:
    kit.remote_control.order("op", "CP-1", ClearCache(), None)
    waiting = kit.remote_control.change_password("op", "CP-1")
    assert waiting.waiting
    answer(kit, 0)
    known = kit.calls.get("CP-1", waiting.message_id)
    assert known is not None
    assert known.waiting == ""
    assert known.sent_at + ANSWER_DUE == known.due_at


def test_a_command_that_finds_the_line_free_costs_one_write_more_and_its_answer_none(
    kit: Kit,
    aws_calls: list[str],  # noqa: F811
) -> None:
    kit.commands.send("CP-1", ClearCache(), Purpose.OPERATOR)
    assert aws_calls == ["GetItem", "PutItem", "UpdateItem", "PutItem"]
    aws_calls.clear()
    answer(kit, 0)
    assert aws_calls == ["GetItem", "UpdateItem", "UpdateItem", "PutItem"], "the first is the socket's, once a minute"
