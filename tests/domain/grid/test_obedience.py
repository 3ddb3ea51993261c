"""A charger that draws more than its grant is told so in each form, then 0 A, then stopped; each once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from chalicelib.domain.chargers.charging_ability import ChargingAbility, ProfileForm, RateUnit, forms, seen_in
from chalicelib.domain.chargers.commands import ProfileKind, ProfilePurpose
from chalicelib.domain.grid.firmware import Firmware
from chalicelib.domain.grid.grants import PortPage, asked, confirmed, default_answered, default_pushed, held_ma, refused
from chalicelib.domain.grid.leases import LEASE, lease_of, push_of
from chalicelib.domain.grid.obedience import Judgement, Measure, is_ignored, is_obeyed, judged
from chalicelib.domain.grid.tree import Draw
from tests.domain.grid.test_grants import PAGE, T0, S

ABLE = ChargingAbility()
NEW = Firmware(name="new")
FIRST = ProfileForm(ProfilePurpose.SESSION, ProfileKind.ABSOLUTE, RateUnit.AMPERES, 1)


def told(page: PortPage, limit_ma: int, at: datetime, form: ProfileForm | None = FIRST) -> PortPage:
    name = f"g{at:%H%M%S}"
    lease = replace(lease_of(name, limit_ma, at, "S1"), form=form)
    return confirmed(asked(page, lease), name, at + S)


def draws(at: datetime, *amounts: int | None) -> tuple[Draw, ...]:
    return tuple(
        Draw(at=at + number * 10 * S, current_ma=(it, None, None), granted_ma=0) for number, it in enumerate(amounts)
    )


def look(page: PortPage, firmware: Firmware, *amounts: int, at: datetime, ability: ChargingAbility = ABLE) -> Judgement:
    return judged(page, firmware, ability, draws(at, *amounts), at + 20 * S)


@pytest.mark.parametrize(
    ("amounts", "is_found"),
    [
        ((11_001, 11_001), True),
        ((11_000, 32_000), False),
        ((32_000, 11_000), False),
        ((9_000, 16_000, 16_000), True),
        ((16_000,), False),
        ((), False),
    ],
)
def test_two_samples_in_a_row_an_ampere_above_are_ignorance(amounts: tuple[int, ...], is_found: bool) -> None:
    assert is_ignored(told(PAGE, 10_000, T0), draws(T0 + 30 * S, *amounts)) is is_found


def test_what_was_drawn_before_the_charger_could_follow_says_nothing() -> None:
    assert not is_ignored(told(PAGE, 10_000, T0), draws(T0 + 5 * S, 32_000, 32_000))
    assert not is_ignored(asked(PAGE, lease_of("a", 10_000, T0)), draws(T0 + 60 * S, 32_000, 32_000))


def test_after_its_lease_the_default_is_what_it_may_draw() -> None:
    page = told(PAGE, 16_000, T0)
    late = T0 + LEASE + 90 * S
    assert is_ignored(page, draws(late, 16_000, 16_000))
    assert not is_ignored(page, draws(late, 6_500, 6_500))


def test_each_form_is_tried_once_and_then_nothing_and_then_the_end() -> None:
    page, firmware, at = PAGE, NEW, T0
    seen: list[ProfileForm] = []
    measures: list[Measure | None] = []
    for _ in range(20):
        left = forms(seen_in(ABLE, firmware.learnt), ProfilePurpose.SESSION, firmware.learnt.best)
        limit_ma = 0 if Measure.ZERO in page.measures else 10_000
        form = left[0] if left else seen[-1]
        seen += [form] if not measures or measures[-1] is Measure.OTHER_FORM else []
        page = told(page, limit_ma, at, form)
        found = look(page, firmware, 32_000, 32_000, at=at + 60 * S)
        page, firmware = found.page, found.firmware
        measures.append(found.measure)
        at += 120 * S
        if found.measure is Measure.STOP:
            break
    assert len(seen) == len(set(seen)) >= 4
    assert {it.unit for it in seen} == set(RateUnit)
    assert {it.kind for it in seen} >= {ProfileKind.ABSOLUTE, ProfileKind.RELATIVE}
    assert len({it.stack_level for it in seen}) > 1
    assert len({it.purpose for it in seen}) > 1
    assert measures[-2:] == [Measure.ZERO, Measure.STOP]
    assert held_ma(page, at) == PAGE.most_ma


def test_one_grant_is_judged_once_however_often_it_is_looked_at() -> None:
    page = told(PAGE, 10_000, T0)
    first = look(page, NEW, 32_000, 32_000, at=T0 + 60 * S)
    again = look(first.page, first.firmware, 32_000, 32_000, at=T0 + 80 * S)
    assert first.measure is Measure.OTHER_FORM
    assert again == Judgement(first.page, first.firmware)


def test_the_form_that_was_kept_is_remembered_and_the_port_is_booked_as_before() -> None:
    first = look(told(PAGE, 10_000, T0), NEW, 32_000, 32_000, at=T0 + 60 * S)
    watts = replace(FIRST, unit=RateUnit.WATTS)
    page = told(first.page, 10_000, T0 + 120 * S, watts)
    assert held_ma(page, T0 + 150 * S) == 32_000
    found = look(page, first.firmware, 9_800, 10_400, at=T0 + 180 * S)
    assert found.firmware.learnt.best == watts
    assert held_ma(found.page, T0 + 200 * S) == 10_000


def test_what_draws_nothing_has_not_been_seen_to_keep_a_limit_but_that_of_nothing() -> None:
    assert not is_obeyed(told(PAGE, 10_000, T0), draws(T0 + 60 * S, 0, 0))
    assert is_obeyed(told(PAGE, 0, T0), draws(T0 + 60 * S, 0, 0))


def test_a_charger_that_does_not_pause_is_stopped_without_0_before() -> None:
    able = replace(ABLE, pauses_at_zero=False)
    firmware = NEW
    page, at, measures = PAGE, T0, []
    while Measure.STOP not in measures:
        page = told(page, 10_000, at, next(iter(forms(seen_in(able, firmware.learnt), ProfilePurpose.SESSION)), None))
        found = look(page, firmware, 32_000, 32_000, at=at + 60 * S, ability=able)
        page, firmware, at = found.page, found.firmware, at + 120 * S
        measures.append(found.measure)
    assert Measure.ZERO not in measures


def test_refused_once_may_be_the_end_of_a_charge_and_twice_is_the_form() -> None:
    page = refused(asked(PAGE, replace(lease_of("a", 10_000, T0, "S1"), form=FIRST)), "a", T0 + S)
    assert judged(page, NEW, ABLE, (), T0 + S) == Judgement(page, NEW)
    page = refused(asked(page, replace(lease_of("b", 10_000, T0 + 20 * S, "S1"), form=FIRST)), "b", T0 + 21 * S)
    found = judged(page, NEW, ABLE, (), T0 + 22 * S)
    assert found.measure is Measure.OTHER_FORM
    assert not seen_in(ABLE, found.firmware.learnt).takes(FIRST)
    assert found.page.refusals == 0


def test_a_refused_default_is_put_for_the_whole_charger_in_the_end() -> None:
    firmware, at = NEW, T0
    purposes = []
    page = replace(PAGE, default_ma=None)
    while left := forms(seen_in(ABLE, firmware.learnt), ProfilePurpose.DEFAULT):
        purposes.append(left[0].purpose)
        page = default_answered(
            default_pushed(page, push_of(f"d{at}", 6_000, at, left[0])), f"d{at}", at + S, is_refused=True
        )
        found = judged(page, firmware, ABLE, (), at)
        page, firmware, at = found.page, found.firmware, at + 60 * S
    assert purposes[0] is ProfilePurpose.DEFAULT
    assert purposes[-1] is ProfilePurpose.CHARGER


def test_another_unit_leaves_what_silence_proved_and_another_purpose_does_not() -> None:
    proven = replace(NEW, learnt=replace(NEW.learnt, falls_back=True))
    found = look(told(PAGE, 10_000, T0), proven, 32_000, 32_000, at=T0 + 60 * S)
    assert found.firmware.learnt.falls_back is True
    firmware, page, at = found.firmware, found.page, T0 + 120 * S
    while left := forms(seen_in(ABLE, firmware.learnt), ProfilePurpose.SESSION):
        if left[0].purpose is not ProfilePurpose.SESSION:
            break
        found = look(told(page, 10_000, at, left[0]), firmware, 32_000, 32_000, at=at + 60 * S)
        page, firmware, at = found.page, found.firmware, at + 120 * S
    assert firmware.learnt.falls_back is None
