"""What is sent next: proofs before grants, lowerings before raises, and no frame that is not worth one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import count

from chalicelib.domain.chargers.charging_ability import LearntAbility, ProfileForm, RateUnit
from chalicelib.domain.chargers.commands import ProfileKind, ProfilePurpose
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.grid.firmware import Firmware
from chalicelib.domain.grid.grants import (
    Loss,
    PortPage,
    Trust,
    confirmed,
    default_answered,
    default_shown,
    held_ma,
    lost,
    refused,
    session_over,
)
from chalicelib.domain.grid.leases import ANSWERED_WITHIN, LEASE, ROAMS_FOR, Period
from chalicelib.domain.grid.obedience import Measure
from chalicelib.domain.grid.orders import Fits, ordered
from chalicelib.domain.grid.port_look import OrderKind, PortNeed, PortOrder
from chalicelib.domain.grid.tree import PortId
from tests.domain.grid.test_grants import T0, S

ONE, TWO = PortId("CP-1", ConnectorId(1)), PortId("CP-2", ConnectorId(1))
SOUND = Firmware(name="sound", learnt=LearntAbility(falls_back=True, keeps_when_cut=True), keeps_when_booted=True)
NEW = Firmware(name="new")
AMPERES = ProfileForm(ProfilePurpose.SESSION, ProfileKind.ABSOLUTE, RateUnit.AMPERES, 1)
WATTS = replace(AMPERES, unit=RateUnit.WATTS)


def page_of(port_id: PortId = ONE) -> PortPage:
    return PortPage(port_id=port_id, most_ma=32_000, trust=Trust.PROVEN, default_ma=6_000)


def need(limit_ma: int | None, port_id: PortId = ONE, **others: object) -> PortNeed:
    made = PortNeed(port_id=port_id, limit_ma=limit_ma, session_id="S1", default_ma=6_000, firmware=SOUND)
    return replace(made, **others)  # type: ignore[arg-type]


def up_to(limit_ma: int) -> Fits:
    return lambda held: sum(it.first_ma for it in held.values()) <= limit_ma


ROOMY = up_to(1_000_000)


class Desk:
    """Looks, and answers by hand."""

    def __init__(self, *pages: PortPage, fits: Fits = ROOMY) -> None:
        self.pages: Sequence[PortPage] = pages
        self.fits = fits
        self.at = T0
        self._names = count(1)

    def look(self, *needs: PortNeed, after: timedelta = timedelta(0)) -> Sequence[PortOrder]:
        self.at += after
        self.pages, orders = ordered(self.pages, needs, self.at, lambda: f"f{next(self._names)}", self.fits)
        return orders

    def page(self, port_id: PortId = ONE) -> PortPage:
        return next(it for it in self.pages if it.port_id == port_id)

    def put(self, page: PortPage) -> None:
        self.pages = [page if it.port_id == page.port_id else it for it in self.pages]

    def confirm(self, order: PortOrder) -> None:
        self.put(confirmed(self.page(order.port_id), order.name, self.at))

    def held(self) -> Mapping[PortId, int]:
        return {it.port_id: held_ma(it, self.at) for it in self.pages}


def told(orders: Sequence[PortOrder]) -> list[tuple[PortId, OrderKind, int]]:
    return [(it.port_id, it.kind, it.limit_ma) for it in orders]


# Grants.


def test_a_grant_is_sent_once_and_again_under_its_name_after_ten_seconds() -> None:
    desk = Desk(page_of())
    (first,) = desk.look(need(10_000))
    assert told([first]) == [(ONE, OrderKind.GRANT, 10_000)]
    assert desk.look(need(10_000), after=9 * S) == ()
    (again,) = desk.look(need(10_000), after=S)
    assert (again.name, again.is_again) == (first.name, True)


def test_what_was_asked_on_a_socket_that_is_gone_is_asked_again_on_the_next_one_and_once() -> None:
    """Nobody waits for an answer that cannot come: a charger cut off as it was told falls to its default by then."""
    desk = Desk(page_of())
    (first,) = desk.look(need(10_000))
    desk.put(lost(desk.page(), Loss.RECONNECT, desk.at + S, Trust.PROVEN))
    (again,) = desk.look(need(10_000), after=S)
    assert (again.name, again.is_again) == (first.name, True)
    assert desk.look(need(10_000), after=9 * S) == ()
    (later,) = desk.look(need(10_000), after=S)
    assert later.name == first.name


def test_a_default_asked_on_a_socket_that_is_gone_is_asked_again_on_the_next_one_and_once() -> None:
    new = PortPage(port_id=ONE, most_ma=32_000, trust=Trust.PROVEN)
    desk = Desk(new)
    (first,) = desk.look(need(None))
    assert told([first]) == [(ONE, OrderKind.DEFAULT, 6_000)]
    desk.put(lost(desk.page(), Loss.BOOT, desk.at + S, Trust.PROVEN))
    (again,) = desk.look(need(None), after=S)
    assert (again.kind, again.name, again.is_again) == (OrderKind.DEFAULT, first.name, True)
    assert desk.look(need(None), after=9 * S) == ()


def test_a_stop_asked_on_a_socket_that_is_gone_is_asked_again_on_the_next_one() -> None:
    desk = Desk(replace(page_of(), measures=(Measure.STOP,)))
    assert OrderKind.STOP in [it.kind for it in desk.look(need(10_000))]
    assert OrderKind.STOP not in [it.kind for it in desk.look(need(10_000), after=S)]
    desk.put(lost(desk.page(), Loss.RECONNECT, desk.at + S, Trust.PROVEN))
    assert OrderKind.STOP in [it.kind for it in desk.look(need(10_000), after=S)]


def test_a_charger_that_answers_nothing_is_asked_once_a_minute_in_the_end() -> None:
    desk = Desk(page_of())
    frames = [it for _ in range(600) for it in desk.look(need(10_000), after=S)]
    assert len(frames) <= 3 + 1 + 10


def test_less_than_an_ampere_is_no_frame_and_an_ampere_is() -> None:
    desk = Desk(page_of())
    desk.confirm(desk.look(need(10_000))[0])
    assert desk.look(need(10_900), after=S) == ()
    assert desk.look(need(9_100), after=S) == ()
    assert told(desk.look(need(11_000), after=S)) == [(ONE, OrderKind.GRANT, 11_000)]


def test_lowerings_of_less_are_sent_where_the_site_would_be_above_its_limit() -> None:
    desk = Desk(page_of(ONE), page_of(TWO), fits=up_to(20_000))
    for order in desk.look(need(10_000, ONE), need(10_000, TWO)):
        desk.confirm(order)
    desk.fits = up_to(19_000)
    orders = desk.look(need(9_500, ONE), need(9_500, TWO), after=S)
    assert told(orders) == [(ONE, OrderKind.GRANT, 9_500), (TWO, OrderKind.GRANT, 9_500)]


def test_a_tenth_of_an_ampere_that_nobody_sent_keeps_nobody_from_their_share() -> None:
    """Shares end a step apart, and who has the step more changes: the other's raise would wait for it for ever."""
    desk = Desk(page_of(ONE), page_of(TWO), fits=up_to(22_700))
    (first,) = desk.look(need(11_400, ONE), need(6_000, TWO))
    desk.confirm(first)
    (lower,) = desk.look(need(11_300, ONE), need(11_400, TWO), after=S)
    assert told([lower]) == [(ONE, OrderKind.GRANT, 11_300)]
    desk.confirm(lower)
    assert told(desk.look(need(11_300, ONE), need(11_400, TWO))) == [(TWO, OrderKind.GRANT, 11_400)]
    assert sum(desk.held().values()) <= 22_700


def test_lowerings_go_first_and_a_raise_waits_until_its_room_is_held_by_nobody() -> None:
    desk = Desk(page_of(ONE), page_of(TWO), fits=up_to(22_000))
    for order in desk.look(need(16_000, ONE), need(6_000, TWO)):
        desk.confirm(order)
    (lower,) = desk.look(need(11_000, ONE), need(11_000, TWO), after=S)
    assert told([lower]) == [(ONE, OrderKind.GRANT, 11_000)]
    assert desk.look(need(11_000, ONE), need(11_000, TWO), after=S) == ()
    desk.confirm(lower)
    assert told(desk.look(need(11_000, ONE), need(11_000, TWO))) == [(TWO, OrderKind.GRANT, 11_000)]
    assert sum(desk.held().values()) <= 22_000


def test_a_lowering_does_not_wait_for_the_answer_to_a_raise() -> None:
    desk = Desk(page_of())
    desk.look(need(16_000))
    assert told(desk.look(need(8_000), after=S)) == [(ONE, OrderKind.GRANT, 8_000)]


def test_a_lease_is_renewed_at_half_its_time_and_a_night_takes_thirty_frames_at_most() -> None:
    desk = Desk(page_of())
    frames = 0
    for minute in range(12 * 60):
        # Its share flutters by an ampere all night.
        for order in desk.look(need(10_000 + 1_000 * (minute % 2)), after=timedelta(minutes=1)):
            desk.confirm(order)
            frames += 1
        assert desk.page().newest is None or desk.at < desk.page().newest.sent_at + LEASE  # type: ignore[union-attr]
    assert frames <= 45


def test_a_raise_that_got_lost_is_settled_by_one_more_word() -> None:
    desk = Desk(page_of())
    desk.look(need(16_000))
    (lower,) = desk.look(need(8_000), after=S)
    desk.confirm(lower)
    assert desk.held() == {ONE: 16_000}
    (settling,) = desk.look(need(8_000), after=ROAMS_FOR)
    desk.confirm(settling)
    assert desk.held() == {ONE: 8_000}


def test_nothing_is_sent_to_who_is_offline_and_nothing_for_who_does_not_charge() -> None:
    desk = Desk(page_of())
    assert desk.look(need(16_000, is_online=False)) == ()
    assert desk.look(need(None)) == ()


def test_the_next_charge_is_told_anew() -> None:
    desk = Desk(page_of())
    desk.confirm(desk.look(need(10_000))[0])
    desk.put(session_over(desk.page(), "S1", desk.at))
    assert told(desk.look(need(10_000, session_id="S2"), after=S)) == [(ONE, OrderKind.GRANT, 10_000)]


def test_a_refused_grant_is_tried_again_later_and_ever_later() -> None:
    desk = Desk(page_of())
    tries = 0
    for _ in range(600):
        for order in desk.look(need(10_000), after=S):
            desk.put(refused(desk.page(), order.name, desk.at))
            tries += 1
    assert 3 <= tries <= 8


def test_a_grant_that_is_to_be_put_in_another_form_is_sent_anew() -> None:
    desk = Desk(page_of())
    desk.confirm(desk.look(need(10_000, form=AMPERES))[0])
    assert [it.form for it in desk.look(need(10_000, form=WATTS), after=S)] == [WATTS]


def test_a_plan_is_one_frame_and_each_of_its_quarters_finds_its_own_room() -> None:
    quarter = timedelta(minutes=15)

    def plan(*limits: int) -> dict[str, object]:
        periods = tuple(Period(T0 + number * quarter, it) for number, it in enumerate(limits))
        return {"plan": periods, "plan_ends_at": T0 + len(limits) * quarter}

    desk = Desk(page_of(ONE), page_of(TWO), fits=up_to(22_000))
    first, second = plan(16_000, 6_000, 6_000), plan(6_000, 16_000, 16_000)
    for order in desk.look(need(16_000, ONE, **first), need(6_000, TWO, **second)):
        desk.confirm(order)
    assert [held_ma(desk.page(TWO), T0 + number * quarter + S) for number in range(3)] == [6_000, 16_000, 16_000]
    greedy = plan(6_000, 17_000, 16_000)
    assert desk.look(need(16_000, ONE, **first), need(6_000, TWO, **greedy), after=S) == ()


# Defaults and proofs.


def test_a_default_is_pushed_and_shown_before_any_grant() -> None:
    new = PortPage(port_id=ONE, most_ma=32_000, trust=Trust.PROVEN)
    desk = Desk(new)
    (push,) = desk.look(need(10_000))
    assert told([push]) == [(ONE, OrderKind.DEFAULT, 6_000)]
    assert [it.name for it in desk.look(need(10_000), after=ANSWERED_WITHIN)] == [push.name]
    desk.put(default_answered(desk.page(), push.name, desk.at))
    (read,) = desk.look(need(10_000), after=S)
    assert read.kind is OrderKind.READ
    assert desk.look(need(10_000), after=S) == ()
    desk.put(default_shown(desk.page(), 6_000))
    # A push that went out twice may still be on its way; it says the same.
    assert [it.kind for it in desk.look(need(10_000), after=S)] == [OrderKind.GRANT]


def test_who_shows_no_schedule_gets_no_grant_and_is_not_asked_for_ever() -> None:
    desk = Desk(PortPage(port_id=ONE, most_ma=32_000))
    kinds = []
    for _ in range(60):
        for order in desk.look(need(10_000), after=timedelta(minutes=1)):
            kinds.append(order.kind)
            desk.put(default_answered(desk.page(), order.name, desk.at))
    assert kinds == [OrderKind.DEFAULT, OrderKind.READ, OrderKind.READ, OrderKind.READ]
    assert desk.held() == {ONE: 32_000}


def test_a_charger_of_new_firmware_is_cut_and_reset_once_while_nobody_charges() -> None:
    desk = Desk(replace(page_of(), trust=Trust.UNKNOWN))
    idle = need(None, firmware=NEW)
    assert desk.look(idle) == ()
    assert [it.kind for it in desk.look(replace(idle, is_quiet=True))] == [OrderKind.CUT]
    assert desk.look(replace(idle, is_quiet=True), after=S) == ()
    half_known = replace(NEW, learnt=LearntAbility(keeps_when_cut=True))
    quiet = replace(idle, is_quiet=True, firmware=half_known)
    assert [it.kind for it in desk.look(quiet, after=timedelta(minutes=10))] == [OrderKind.RESET]
    assert desk.look(replace(quiet, firmware=SOUND), after=timedelta(minutes=10)) == ()


def test_a_charger_that_proves_nothing_however_often_it_is_cut_is_left_in_peace_for_the_day() -> None:
    desk = Desk(replace(page_of(), trust=Trust.UNKNOWN))
    idle = replace(need(None, firmware=NEW), is_quiet=True)
    cut_at = []
    for _ in range(3 * 24 * 6):
        orders = desk.look(idle, after=timedelta(minutes=10))
        cut_at += [desk.at for it in orders if it.kind is OrderKind.CUT]
        # It is back, and its default was told anew before anybody asked what it had kept.
        desk.put(replace(lost(desk.page(), Loss.BOOT, desk.at, Trust.UNKNOWN), default_ma=6_000, lost_at=None))
    a_day = timedelta(days=1)
    assert max(sum(it - a_day < other <= it for other in cut_at) for it in cut_at) == 8
    assert len(cut_at) == 24


def test_what_came_back_is_asked_what_it_kept_before_it_is_told_anything() -> None:
    desk = Desk(lost(replace(page_of(), trust=Trust.UNKNOWN), Loss.RECONNECT, T0, Trust.UNKNOWN))
    assert [it.kind for it in desk.look(need(10_000, firmware=NEW), after=S)] == [OrderKind.READ]


def test_what_came_back_and_is_proven_is_told_its_grant_again() -> None:
    desk = Desk(page_of())
    desk.confirm(desk.look(need(10_000))[0])
    desk.put(lost(desk.page(), Loss.RECONNECT, desk.at + S, Trust.PROVEN))
    (again,) = desk.look(need(10_000), after=2 * S)
    assert (again.kind, again.limit_ma, again.is_again) == (OrderKind.GRANT, 10_000, False)
    desk.confirm(again)
    assert desk.page().lost_at is None


def test_the_first_lease_of_a_new_firmware_is_read_past_its_end() -> None:
    desk = Desk(replace(page_of(), trust=Trust.UNKNOWN))
    known = replace(NEW, learnt=LearntAbility(keeps_when_cut=True), keeps_when_booted=True)
    desk.confirm(desk.look(need(10_000, firmware=known))[0])
    (read,) = desk.look(need(10_000, firmware=known), after=S)
    newest = desk.page().newest
    assert read.kind is OrderKind.READ
    assert read.reads_until is not None
    assert newest is not None
    assert read.reads_until > newest.ends_at


# Measures.


def test_who_is_to_have_nothing_as_a_measure_is_told_0_and_who_is_to_be_stopped_is_stopped_each_minute() -> None:
    desk = Desk(page_of())
    desk.confirm(desk.look(need(10_000))[0])
    desk.put(replace(desk.page(), measures=(Measure.ZERO,)))
    (zero,) = desk.look(need(10_000), after=S)
    assert told([zero]) == [(ONE, OrderKind.GRANT, 0)]
    desk.confirm(zero)
    desk.put(replace(desk.page(), measures=(Measure.ZERO, Measure.STOP)))
    assert [it.kind for it in desk.look(need(10_000), after=S)] == [OrderKind.STOP]
    assert desk.look(need(10_000), after=S) == ()
    assert [it.kind for it in desk.look(need(10_000), after=60 * S)] == [OrderKind.STOP]


def test_a_default_whose_proof_got_lost_three_times_is_read_again_ten_minutes_later() -> None:
    desk = Desk(replace(page_of(), default_ma=0))
    (push,) = desk.look(need(None))
    desk.put(default_answered(desk.page(), push.name, desk.at))
    reads = [it for _ in range(4) for it in desk.look(need(None), after=40 * S)]
    assert [it.kind for it in reads] == [OrderKind.READ] * 3
    assert desk.look(need(None), after=300 * S) == ()
    (again,) = desk.look(need(None), after=300 * S)
    assert again.kind is OrderKind.READ


def test_a_lowering_that_was_not_answered_is_repeated_while_a_default_waits_for_its_proof() -> None:
    desk = Desk(page_of())
    desk.confirm(desk.look(need(10_000))[0])
    (lowering,) = desk.look(need(0, default_ma=0), after=60 * S)
    (push,) = desk.look(need(0, default_ma=0), after=S)
    assert push.kind is OrderKind.DEFAULT
    desk.put(default_answered(desk.page(), push.name, desk.at))
    (read,) = desk.look(need(0, default_ma=0), after=S)
    assert read.kind is OrderKind.READ
    assert [it.name for it in desk.look(need(0, default_ma=0), after=10 * S)] == [lowering.name]


def test_a_car_that_comes_before_a_new_charger_has_shown_its_default_waits_for_that_and_no_longer() -> None:
    desk = Desk(PortPage(port_id=ONE, most_ma=32_000, trust=Trust.PROVEN), fits=up_to(8_000))
    (push,) = desk.look(need(None, default_ma=0))
    desk.put(default_answered(desk.page(), push.name, desk.at))
    (read,) = desk.look(need(8_000), after=S)
    assert read.kind is OrderKind.READ
    desk.put(default_shown(desk.page(), 0))
    (more,) = desk.look(need(8_000), after=S)
    assert (more.kind, more.limit_ma) == (OrderKind.DEFAULT, 6_000)
