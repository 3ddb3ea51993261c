"""Alarms live: told of each change where somebody may watch, at their sites; where nobody does nothing is begun."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.access.rights import Membership, Principal, Role, member_principal
from chalicelib.domain.operators import AlarmKind
from chalicelib.handlers.operators.live import AlarmsTopic
from chalicelib.records.operators import Alarm, AlarmPlace
from chalicelib.services.access import NotFound
from tests.services.conftest import CONNECTION, NOW, Kit


def begun(kit: Kit) -> list[dict[str, Any]]:
    found = [dict(what) for function, what in kit.invocations.begun if function == "tell_viewers"]
    kit.invocations.begun.clear()
    return found


def person(name: str, role: Role = Role.TECHNICIAN, sites: frozenset[str] | None = None) -> Principal:
    found = member_principal("op", name, Membership(role=role, since=NOW, sites=sites))
    assert found is not None
    return found


def opened(kit: Kit, site: str) -> Alarm:
    place = AlarmPlace(operator_id="op", kind=AlarmKind.OFFLINE, group=site)
    alarm = Alarm(alarm_id=place.alarm_id(kit.clock()), place=place, opened_at=kit.clock(), detail="lost")
    kit.alarms.add(alarm)
    kit.alarms.join(alarm, f"CP-{site}", is_new=True)
    return alarm


def test_each_change_is_told_while_somebody_may_watch_and_none_else(kit: Kit) -> None:
    kit.sockets.closed(CONNECTION)
    kit.clock.advance(minutes=1)
    kit.alarm_desk.check(AlarmKind.OFFLINE, "CP-1", kit.clock())
    assert begun(kit) == []
    (listed,), _ = kit.alarms.page("op", 5, None, open_only=True)
    kit.alarms.watch("op", kit.clock() + timedelta(minutes=5))
    kit.alarm_desk.acknowledge("op", listed.alarm.alarm_id, "ada")
    kit.alarm_desk.comment("op", listed.alarm.alarm_id, "ada", "Somebody is on the way.")
    told = {"kind": "alarms", "subject": "op", "marks": False}
    assert begun(kit) == [told, told]
    # Said again it changes nothing, and a look that finds all as it was neither.
    kit.alarm_desk.acknowledge("op", listed.alarm.alarm_id, "bob")
    kit.alarm_desk.check(AlarmKind.OFFLINE, "CP-1", kit.clock())
    assert begun(kit) == []
    kit.alarm_desk.check(AlarmKind.STUCK_SESSION, "nobody", kit.clock())
    assert begun(kit) == []
    kit.clock.advance(minutes=5)
    kit.alarm_desk.comment("op", listed.alarm.alarm_id, "ada", "Done.")
    assert begun(kit) == []


def test_what_tells_and_fails_keeps_no_alarm_from_anybody(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    kit.alarms.watch("op", kit.clock() + timedelta(minutes=5))
    alarm = opened(kit, "harbour")

    def lost(*_: object) -> None:
        raise RuntimeError("no more of them today")

    monkeypatch.setattr(kit.invocations, "begin", lost)
    assert kit.alarm_desk.acknowledge("op", alarm.alarm_id, "ada").alarm.acknowledged_by == "ada"


def test_whoever_is_held_to_a_site_sees_neither_anothers_alarm_nor_that_there_is_one(kit: Kit) -> None:
    held, free = person("held", sites=frozenset({"harbour"})), person("free")
    before = kit.live_alarms.open(held, "").position
    opened(kit, "station")
    assert kit.live_alarms.open(held, before).position == before
    assert [it.alarm.place.group for it in kit.live_alarms.open(free, "").unseen] == ["station"]
    opened(kit, "harbour")
    assert [it.alarm.place.group for it in kit.live_alarms.open(held, before).unseen] == ["harbour"]


def test_a_reader_is_shown_what_changed_since_and_always_what_is_open(kit: Kit) -> None:
    free, first = person("free"), opened(kit, "harbour")
    kit.clock.advance(minutes=10)
    second = opened(kit, "station")
    seen = kit.live_alarms.open(free, "")
    assert len(seen.unseen) == 2
    assert kit.live_alarms.open(free, seen.position).unseen == []
    kit.clock.advance(minutes=10)
    kit.alarm_desk.acknowledge("op", first.alarm_id, "ada")
    after = kit.live_alarms.open(free, seen.position)
    # What changed in the last minute that was seen may be shown once more.
    assert [it.alarm.alarm_id for it in after.unseen] == [first.alarm_id, second.alarm_id]
    assert after.unseen[0].alarm.acknowledged_by == "ada"
    kit.alarms.join(second, "CP-2", is_new=True)
    more = kit.live_alarms.open(free, after.position)
    assert [(it.alarm.alarm_id, it.number) for it in more.alarms] == [(first.alarm_id, 1), (second.alarm_id, 2)]
    assert more.position != after.position
    kit.alarm_desk._close(first)
    assert [it.alarm.alarm_id for it in kit.live_alarms.open(free, more.position).alarms] == [second.alarm_id]


@pytest.mark.parametrize("seen", ["x", "x|y", "|"])
def test_a_position_that_is_not_ours_is_none(kit: Kit, seen: str) -> None:
    with pytest.raises(ValueError, match="isoformat"):
        kit.live_alarms.open(person("free"), seen)


def test_nobody_watches_who_may_not_read_alarms_or_acts_for_nobody_any_more(kit: Kit) -> None:
    topic = AlarmsTopic()
    from chalicelib import wiring  # noqa: PLC0415

    wiring.install(kit)
    try:
        for membership in (None, Membership(role=None, since=NOW), Membership(role=Role.SUPPORT, since=NOW)):
            if membership is not None:
                kit.memberships.change("driver-1", "op", lambda _, it=membership: it)  # type: ignore[misc]
            if membership is not None and membership.role is not None:
                topic.check("op", "driver-1")
            else:
                with pytest.raises(NotFound):
                    topic.check("op", "driver-1")
            with pytest.raises(NotFound):
                topic.check("other", "driver-1")
        kit.platform_desk.put("op", "Op")
        kit.platform_desk.close("op")
        with pytest.raises(NotFound):
            topic.check("op", "driver-1")
    finally:
        wiring.install(None)
