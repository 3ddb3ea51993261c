"""What each kind of message uses of AWS, measured through the whole local stack: the figures that the cost model needs.

Every socket is met for the first time by its process in each step, as a fleet of many processes mostly would be: so
each step pays the read that a busy process spares. What an operator declares is known to every process.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
import requests

from benchmarks import organisations, power, schedules, wallets
from benchmarks.metering import Meter, Usage, metered, plain
from benchmarks.wire import Send, Socket, Story, stories
from chalicelib import wiring
from chalicelib.domain.money.card_expiry import expiring_months
from chalicelib.domain.operators import AlarmKind
from chalicelib.records.operators import Alarm, AlarmPlace
from local.browser import Tab
from local.client import Person
from local.clock import Clock
from local.seed import CHARGER_PASSWORD, CHARGERS, OPERATOR_ID, SITE_ID, seed
from local.stack import Options, Stack
from tests.stacks import patient_stack

MEASURED = Path(__file__).parent.parent / "cli" / "data" / "measured.json"
_TRANSITIONS = "TaskStateEntered ChoiceStateEntered SucceedStateEntered FailStateEntered".split()
# Longer than any pause within a step.
_QUIET_S = 0.15
_RACES = {"begin": 6}  # a webhook races the hold it tells of, and the loser reads and tries again
_CHARGERS = {"ocpp1.6": "DEMO-16", "ocpp2.0.1": "DEMO-201"}
# The story's own words, and what the cost model calls them.
_KINDS = {
    "BootNotification": "boot",
    "Heartbeat": "heartbeat",
    "StatusNotification": "status",
    "Authorize (app token)": "authorize",
    "StartTransaction": "started",
    "TransactionEvent Started": "started",
    "MeterValues (1x10)": "reading",
    "TransactionEvent Updated": "reading",
    "StopTransaction": "ended",
    "TransactionEvent Ended": "ended",
}

Measured = dict[str, Any]
# The app's clock is so much slower than the machine's: whatever happens within seconds does so on a slow one as well.
_SLOWER = 50
_DAILY = ("ocpp.router", "chargers.message_log")
_LIVE_WITHIN_S = 300
_OVER_WITHIN_S = 300
_BATCH = 10  # messages that a queue's function is given at once
_EVENT_ID = re.compile(r"^id: (.*)$", re.MULTILINE)


def measure() -> Measured:
    """One paid session of each version, and what happens beside sessions; needs no running stack."""
    clock = _SlowClock()
    gateways, chargers = patch("local.connection.now", clock), patch("benchmarks.wire.now", clock)
    with gateways, chargers, patch("local.stack.Clock", lambda: clock):
        return _measured(patient_stack(Options(ticks_per_second=0)))


class _SlowClock(Clock):
    """Begins with the time as it is, and hardly goes on from there."""

    def __init__(self) -> None:
        super().__init__()
        self._begun_at = super().__call__()

    def __call__(self) -> datetime:
        return self._begun_at + (super().__call__() - self._begun_at) / _SLOWER


def _measured(stack: Stack) -> Measured:
    # Whenever it runs, as in the middle of a day: in its first two hours more is written at a connect.
    at_noon = [patch(f"chalicelib.services.{it}.may_be_days_first", _is_never) for it in _DAILY]
    # On whatever day: for half of a month's days the cards of two months expire soon.
    late_in_a_month = patch(
        "chalicelib.services.drivers.account_upkeep.expiring_months", lambda on: expiring_months(on.replace(day=28))
    )
    # In whichever minute: in a quarter's last, sites with plans are asked for as well.
    amid_a_quarter = patch("chalicelib.services.grid.quarter_plans._LAST", -1)
    with at_noon[0], at_noon[1], amid_a_quarter, late_in_a_month, metered() as meter:
        stack.start()
        meter.is_under_way = lambda: stack.stripe.is_telling
        try:
            people = seed(stack)
            driver = people.driver
            _know_profiles()
            meter.take(_QUIET_S)
            versions = {
                story.protocol: dict(_session(stack, meter, driver, _CHARGERS[story.protocol], story))
                for story in stories()
            }
            beside = dict(_beside(stack, meter, driver))
            beside |= _alarms_watched(meter, people.operator)
        finally:
            stack.stop()
    return {
        "measured_on": datetime.now(UTC).date().isoformat(),
        "how": "python -m benchmarks --write: one paid session of each version through the whole local stack",
        "kinds": {**{version: plain(found) for version, found in versions.items()}, "beside": plain(beside)},
        "schedules": schedules.measure(),
        "power": power.measure(),
        "wallets": wallets.measure(),
        "organisations": organisations.measure(),
    }


def _is_never(at: datetime) -> bool:
    return False


def read() -> Measured:
    """What is committed."""
    found: Measured = json.loads(MEASURED.read_text())
    return found


def write(measured: Measured) -> None:
    """Commit to the repository what was measured."""
    MEASURED.write_text(json.dumps(measured, indent=1, sort_keys=True) + "\n")


def differences(committed: Measured, today: Measured) -> list[str]:
    """Where calls, invocations, messages or transitions of today are not the committed ones, in sentences."""
    found = []
    for group in sorted(committed["kinds"].keys() | today["kinds"].keys()):
        before, now = committed["kinds"].get(group, {}), today["kinds"].get(group, {})
        for kind in sorted(before.keys() | now.keys()):
            for what in ("calls", "invocations", "messages", "transitions"):
                was, is_now = before.get(kind, {}).get(what), now.get(kind, {}).get(what)
                if was != is_now and not (what == "calls" and _is_a_race(kind, was or {}, is_now or {})):
                    found.append(f"{group} {kind}: {what} were {was}, are {is_now}")
    for group, what in (("schedules", "an item"), ("power", "one")):
        was, is_now = (
            {
                part: {name: taken[name] for name in ("calls", "payments") if name in taken}
                for part, taken in it.get(group, {}).items()
            }
            for it in (committed, today)
        )
        found += [
            f"{group} {part}: {what} took {was.get(part)}, takes {is_now.get(part)}"
            for part in sorted(was.keys() | is_now.keys())
            if was.get(part) != is_now.get(part)
        ]
    return found


def _is_a_race(kind: str, was: Mapping[str, int], is_now: Mapping[str, int]) -> bool:
    apart = sum(abs(was.get(name, 0) - is_now.get(name, 0)) for name in was.keys() | is_now.keys())
    return apart <= _RACES.get(kind, 0)


def _session(stack: Stack, meter: Meter, driver: Person, charger_id: str, story: Story) -> Iterator[tuple[str, Usage]]:
    opened: list[Socket] = []
    settings: dict[str, str] = {}

    def connect() -> None:
        opened.append(Socket(stack.socket_url, charger_id, CHARGER_PASSWORD, story.protocol, settings))

    # The first time in its life a charger is looked at more closely than whenever it comes back.
    yield "first_connect", _step(meter, connect)
    (socket,) = opened
    is_set_up = False
    for name, send in story.before:
        if name == "StatusNotification" and not is_set_up:
            # Its settings are looked at once it has told a status; this one differs from the next.
            is_set_up = True
            yield "setup", _step(meter, lambda: _set_up(meter, socket, story.out_of_order))
        yield from _said(meter, socket, [(name, send)])
    # What is not told twice is cheaper.
    again = [("StatusNotification", send) for name, send in story.before if name == "StatusNotification"]
    yield "status_repeated", next(_said(meter, socket, again))[1]
    begun: list[str] = []

    def begin() -> None:
        begun.append(str(driver.begin(charger_id)["session_id"]))
        socket.await_command()

    def end() -> None:
        driver.end(begun[0])
        socket.await_command()

    yield "begin", _step(meter, begin)
    charging = [it for it in story.charging if it[0] not in ("Heartbeat", "StatusNotification")]
    said, plain = {_KINDS[name]: send for name, send in charging}, {}
    for kind, usage in _said(meter, socket, charging):
        plain[kind] = usage
        yield kind, usage
    yield "look", _step(meter, lambda: driver.call("GET", f"/v1/sessions/{begun[0]}"))
    live_url = driver.session(begun[0])["live_url"]
    seen = _EVENT_ID.findall(_live(stack, live_url, ""))[-1]
    meter.take(0)
    yield "live", _step(meter, lambda: _live(stack, live_url, seen))
    yield from _watched(meter, driver, begun[0], seen, partial(said["reading"], socket), plain["reading"])
    yield "end", _step(meter, end)
    # Its words end the charge; what they bring about is over when its workflow is, however long that takes.
    for name, send in story.ending:

        def close(send: Send = send) -> None:
            send(socket)
            _until_over(meter, begun[0])

        yield _KINDS[name], _step(meter, close)
    driver.until(begun[0], lambda it: it["state"] == "completed")
    transitions = Usage()
    transitions.calls["transitions"] = _transitions(begun[0])
    meter.take(0)
    yield "workflow", transitions
    yield "notices", _step(meter, lambda: stack.cloud.fire("notices"))
    yield "disconnect", _step(meter, socket.close)
    yield from _coming_back(meter, connect, opened, charger_id, story)


def _coming_back(
    meter: Meter, connect: Callable[[], None], opened: list[Socket], charger_id: str, story: Story
) -> Iterator[tuple[str, Usage]]:
    """It was away, and may have started; then its socket is renewed, and it is back at once."""
    said = dict(story.before)
    connect()
    meter.take(_QUIET_S)
    yield "boot_again", _step(meter, lambda: said["BootNotification"](opened[-1]))
    yield "status_after_boot", _step(meter, lambda: _set_up(meter, opened[-1], said["StatusNotification"]))
    renewed = _step(meter, lambda: _renew(charger_id))
    # The heartbeat's answer goes down the socket before it is closed, and is counted with the heartbeat.
    renewed.messages = renewed.sent_bytes = 0
    yield "renew", renewed
    yield "connect", _step(meter, connect)
    yield "boot_back", _step(meter, lambda: said["BootNotification"](opened[-1]))
    for socket in opened[1:]:
        socket.close()
    meter.take(_QUIET_S)


def _watched(
    meter: Meter, driver: Person, session_id: str, seen: str, read: Callable[[], object], plain: Usage
) -> Iterator[tuple[str, Usage]]:
    """A page that is opened, told of a reading, says that it is there, and is hidden; then nobody watches any more."""
    opened: list[Tab] = []
    where = driver.session(session_id)["live_socket"]

    def open_page() -> None:
        opened.append(Tab(where))
        opened[0].show(seen)

    meter.take(_QUIET_S)
    yield "live_open", _told(_step(meter, open_page))
    yield "live_told", _told(_step(meter, read), beyond=plain)
    yield "live_renew", _told(_step(meter, opened[0].show))
    yield "live_hide", _told(_step(meter, opened[0].hide))
    yield "live_nobody", _told(_step(meter, read), beyond=plain)
    opened[0].close()
    with meter.aside():
        wiring.network().live_marks.mark(session_id, datetime.now(UTC) - timedelta(days=1))
    meter.take(_QUIET_S)


def _alarms_watched(meter: Meter, operator: Person) -> Iterator[tuple[str, Usage]]:
    """An operator's page of alarms: opened, told that one has changed, and says that it is there."""
    opened: list[Tab] = []
    network, at = wiring.network(), datetime.now(UTC)
    place = AlarmPlace(operator_id=OPERATOR_ID, kind=AlarmKind.OFFLINE, group=SITE_ID)
    alarm = Alarm(alarm_id=place.alarm_id(at), place=place, opened_at=at, detail="lost")

    def open_page() -> None:
        opened.append(Tab(operator.call("GET", "/v1/operator/live")["alarms"]))
        opened[0].show()

    with meter.aside():
        network.alarms.add(alarm)
    meter.take(_QUIET_S)
    yield "alarms_open", _told(_step(meter, open_page))
    with meter.aside():
        network.alarms.join(alarm, CHARGERS[0], is_new=True)
    yield "alarms_told", _told(_step(meter, lambda: network.alarm_desk.news.changed(OPERATOR_ID)))
    yield "alarms_renew", _told(_step(meter, opened[0].show))
    opened[0].close()


def _told(usage: Usage, beyond: Usage | None = None) -> Usage:
    """What browsers are told leaves as an answer of the API does; `beyond` is what a charger's own frame takes."""
    if beyond is not None:
        for name in ("calls", "invocations", "reads", "writes", "stored_bytes"):
            counted: Counter[str] = getattr(usage, name)
            counted.subtract(getattr(beyond, name))
            setattr(usage, name, +counted)
        usage.messages -= beyond.messages
        usage.sent_bytes -= beyond.sent_bytes
        usage.log_bytes -= beyond.log_bytes
    usage.answer_bytes, usage.sent_bytes = usage.sent_bytes, 0
    return usage


def _live(stack: Stack, live_url: str, seen: str) -> str:
    answer = requests.get(stack.http_url + live_url, headers={"Last-Event-ID": seen}, timeout=_LIVE_WITHIN_S)
    answer.raise_for_status()
    return answer.text


def _renew(charger_id: str) -> None:
    """Its socket is old, and it says its heartbeat, which is counted elsewhere."""
    network = wiring.network()
    charger = network.chargers.get(charger_id)
    connection = network.sockets.connection((charger and charger.connection_id) or "")
    if connection is None or not network.socket_renewal.is_renewed(replace(connection, closes_at=network.clock()), "x"):
        raise RuntimeError(f"the socket of {charger_id} was not renewed")


def _know_profiles() -> None:
    """What operators declare is known to every process for a minute: of the app's clock, longer than all of this."""
    network = wiring.network()
    for charger_id in _CHARGERS.values():
        charger = network.chargers.get(charger_id)
        if charger is not None:
            network.setups.profile(charger.operator_id)
            network.operators.standing(charger.operator_id)


def _set_up(meter: Meter, socket: Socket, status: Send) -> None:
    """A status, and its answers to what it is asked then, until it is asked nothing more."""
    status(socket)
    meter.settle(_QUIET_S)
    while socket.answer_what_came():
        meter.settle(_QUIET_S)


def _beside(stack: Stack, meter: Meter, driver: Person) -> Iterator[tuple[str, Usage]]:
    yield "search", _step(meter, lambda: driver.call("GET", "/v1/chargers/nearby?lat=53.5437&lng=9.9924&radius=100"))
    yield "receipt", _step(meter, lambda: driver.call("GET", "/v1/sessions?limit=20"))
    yield "checks", _checks(stack, meter)
    for name in stack.cloud.schedules:
        # What there was to do is done by the first; cards that changed a moment ago are looked for once more.
        with meter.aside():
            stack.cloud.fire(name)
            for operator_id, changed_s in list(wiring.network().tokens.lists_behind()):
                wiring.network().tokens.lists_done(operator_id, changed_s)
        meter.take(0)
        yield f"tick_{name}", _step(meter, partial(stack.cloud.fire, name))


def _checks(stack: Stack, meter: Meter) -> Usage:
    """A batch of checks for alarms, of chargers with which all is well."""
    asked = wiring.network().alarm_checks
    with meter.aside():
        stack.cloud.queues.deliver()
        for _ in range(_BATCH):
            asked.ask(AlarmKind.OFFLINE, next(it for it in CHARGERS if it not in _CHARGERS.values()))
    meter.take(0)
    return _step(meter, stack.cloud.queues.deliver)


def _said(meter: Meter, socket: Socket, said: Sequence[tuple[str, Send]]) -> Iterator[tuple[str, Usage]]:
    for name, send in said:
        yield _KINDS[name], _step(meter, lambda send=send: send(socket))  # type: ignore[misc]


def _step(meter: Meter, act: Callable[[], object]) -> Usage:
    sockets: Any = wiring.network().sockets
    sockets._known_connection.cache_clear()
    act()
    return meter.take(_QUIET_S)


def _history(session_id: str) -> list[Any]:
    client = boto3.client("stepfunctions")
    (machine,) = client.list_state_machines()["stateMachines"]
    arn = machine["stateMachineArn"].replace(":stateMachine:", ":execution:") + f":{session_id}"
    return list(client.get_execution_history(executionArn=arn, maxResults=1000)["events"])


def _until_over(meter: Meter, session_id: str) -> None:
    """Wait, uncounted, until the session's workflow has ended. Raises TimeoutError after five minutes."""
    deadline = time.monotonic() + _OVER_WITHIN_S
    with meter.aside():
        while _history(session_id)[-1]["type"] != "ExecutionSucceeded":
            if time.monotonic() > deadline:
                raise TimeoutError(f"the workflow of {session_id} did not end")
            time.sleep(0.05)


def _transitions(session_id: str) -> int:
    history = _history(session_id)
    return sum(event["type"] in _TRANSITIONS for event in history)
