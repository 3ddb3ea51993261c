"""Of two charges told of one plug at one time what the meter counted is billed once."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest

from chalicelib.domain.charging.names import session_id_for
from chalicelib.domain.charging.session import Session
from chalicelib.domain.pricing.evidence import Flag
from chalicelib.records.drivers import Token
from tests.services.charging.test_quirks import CARD201, Talk, event, meter, told
from tests.services.conftest import CARD, NOW

HOUR = timedelta(hours=1)


def weighed(talk: Talk, ref: int | str) -> Session:
    """A session as its workflow measures it."""
    return talk.kit.metering.measured(talk.kit.session(session_id_for("transaction", "CP-1", str(ref))))


def test_a_start_told_anew_under_another_time_and_ended_under_both_numbers_is_billed_once(talk: Talk) -> None:
    first = talk.start()
    talk.kit.clock.advance(seconds=12)
    second = talk.start(timestamp=told(talk.kit.clock.now))
    assert first != second
    talk.kit.clock.advance(hours=1)
    talk.stop(first, 4000)
    talk.stop(second, 4000)
    one, other = weighed(talk, first), weighed(talk, second)
    assert (one.measured_wh, other.measured_wh) == (3000, 0)
    assert Flag.TOLD_TWICE in other.flags


@pytest.mark.parametrize("used", ["first", "second"])
def test_whichever_of_two_numbers_a_charger_goes_on_with_is_billed_in_full(talk: Talk, used: str) -> None:
    first = talk.start()
    talk.kit.clock.advance(seconds=12)
    second = talk.start(timestamp=told(talk.kit.clock.now))
    talk.kit.clock.advance(hours=1)
    ref = {"first": first, "second": second}[used]
    talk.read(3000, transactionId=ref)
    talk.stop(ref, 4000)
    assert weighed(talk, ref).measured_wh == 3000


@pytest.mark.parametrize("card", [CARD, "OTHER"])
@pytest.mark.parametrize("is_weighed_between", [True, False])
def test_a_charge_written_twice_into_an_offline_queue_is_billed_once(
    talk: Talk, card: str, is_weighed_between: bool
) -> None:
    talk.kit.tokens.put(Token(uid="OTHER", operator_id="op", driver_id="driver-1"), NOW)
    first = talk.start(timestamp=told(NOW - 5 * HOUR))
    talk.stop(first, 9000, timestamp=told(NOW - 3 * HOUR))
    if is_weighed_between:
        assert weighed(talk, first).measured_wh == 8000
    talk.kit.clock.advance(seconds=3)
    second = talk.start(timestamp=told(NOW - 5 * HOUR + timedelta(minutes=1)), idTag=card)
    talk.stop(second, 9000, timestamp=told(NOW - 3 * HOUR + timedelta(minutes=1)))
    assert weighed(talk, second).measured_wh == 0
    assert weighed(talk, first).measured_wh == 8000


def test_charges_that_follow_each_other_in_the_queue_are_billed_both(talk: Talk) -> None:
    first = talk.start(timestamp=told(NOW - 5 * HOUR))
    talk.stop(first, 3000, timestamp=told(NOW - 3 * HOUR))
    second = talk.start(timestamp=told(NOW - 2 * HOUR), meterStart=3000)
    talk.stop(second, 5000, timestamp=told(NOW - HOUR))
    assert (weighed(talk, first).measured_wh, weighed(talk, second).measured_wh) == (2000, 2000)


def test_registers_that_count_from_0_in_each_charge_are_no_rivals_where_the_times_are_apart(talk: Talk) -> None:
    first = talk.start(timestamp=told(NOW - 2 * HOUR), meterStart=0)
    # Its end is told after the next car has begun.
    second = talk.start(timestamp=told(NOW), meterStart=0)
    talk.kit.clock.advance(hours=1)
    talk.stop(first, 3000, timestamp=told(NOW - HOUR))
    talk.stop(second, 2000)
    assert (weighed(talk, first).measured_wh, weighed(talk, second).measured_wh) == (3000, 2000)


@pytest.mark.parametrize("order", list(permutations(("old", "now"))))
def test_an_offline_charge_that_overlaps_the_running_one_pays_for_what_was_before_it(
    talk201: Talk, order: tuple[str, ...]
) -> None:
    event(talk201, "Started", 0, "now", idToken=CARD201, meterValue=meter(5000))
    talk201.kit.clock.advance(hours=1)
    event(talk201, "Started", 0, "old", idToken=CARD201, meterValue=meter(2000), timestamp=told(NOW - HOUR))
    ends = {"old": (6000, NOW + timedelta(minutes=10)), "now": (8000, talk201.kit.clock.now)}
    for ref in order:
        register_wh, at = ends[ref]
        event(talk201, "Ended", 9, ref, meterValue=meter(register_wh), timestamp=told(at))
        weighed(talk201, ref)
    assert (weighed(talk201, "old").measured_wh or 0) + (weighed(talk201, "now").measured_wh or 0) == 6000


def test_a_name_used_again_soon_after_a_restart_for_another_card_is_another_charge(talk201: Talk) -> None:
    """Its charger counts from one, and the first one's end is lost: nobody pays for who came after them."""
    talk201.kit.tokens.put(Token(uid="OTHER", operator_id="op", driver_id="driver-1"), NOW)
    event(talk201, "Started", 0, "1", idToken=CARD201, meterValue=meter(1000))
    talk201.kit.clock.advance(minutes=4)
    other = {"idToken": "OTHER", "type": "ISO14443"}
    for _ in range(2):
        event(talk201, "Started", 0, "1", idToken=other, meterValue=meter(1300))
    talk201.kit.clock.advance(minutes=5)
    event(talk201, "Ended", 1, "1", meterValue=meter(1900))
    begun = {it.token: it for it in talk201.kit.sessions.of_operator("op", 10, None, flagged=False)[0]}
    assert len(begun) == 2
    assert talk201.kit.metering.measured(begun["OTHER"]).measured_wh == 600
    assert begun[CARD].stopped_at is None


def status(talk: Talk, word: str) -> None:
    talk.say("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": word})


@pytest.mark.parametrize("has_rebooted", [False, True], ids=["another car", "the same car, after a restart"])
def test_who_has_left_pays_for_no_other_car_that_charges_under_their_number(talk: Talk, has_rebooted: bool) -> None:
    """A charger that started anew tells how its connectors are, first as free; one that did not has seen a car go."""
    ref = talk.start()
    talk.kit.clock.advance(minutes=30)
    talk.read(6000, transactionId=ref)
    if has_rebooted:
        talk.say("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
    status(talk, "Available")
    talk.kit.clock.advance(minutes=3)
    status(talk, "Preparing")
    talk.kit.clock.advance(seconds=5)
    status(talk, "Charging")
    talk.kit.clock.advance(minutes=5)
    talk.read(7500, transactionId=ref)
    talk.kit.clock.advance(minutes=12)
    talk.read(9000, transactionId=ref)
    talk.kit.lifecycle.sweep()
    session = weighed(talk, ref)
    if has_rebooted:
        assert (session.stopped_at, session.left_at) == (None, None)
        return
    assert session.stopped_at is not None
    assert session.stopped_at <= NOW + timedelta(minutes=31)
    assert session.measured_wh == 5000
