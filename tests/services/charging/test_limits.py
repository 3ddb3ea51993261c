"""A driver's own limits end a charge at the first reading that reaches one of them, and no sooner."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.chargers.commands import CommandResult, Verdict
from chalicelib.domain.chargers.events import ChargingStarted, ConnectorId, Reading, ReadingsTaken
from chalicelib.domain.charging.limits import Limits
from chalicelib.domain.charging.session import Reason, Session, State
from chalicelib.records.chargers import Purpose, SentCall
from tests.services.conftest import CONNECTION, NOW, Kit


def limited(kit: Kit, limits: Limits) -> Session:
    session = kit.app_session()
    kit.sessions.save(session, replace(session, limits=limits))
    kit.clock.now = NOW + timedelta(hours=9)
    return kit.session(session.session_id)


def read(kit: Kit, minutes: float, energy_wh: int | None = None, soc_percent: int | None = None) -> None:
    reading = Reading(at=NOW + timedelta(minutes=minutes), energy_wh=energy_wh, power_w=11_000, soc_percent=soc_percent)
    event = ReadingsTaken(ref="tx-1", connector=ConnectorId(1), readings=(reading,), seq_no=1)
    kit.router.route(CONNECTION, event, lambda *_: "tx-1")


def start(kit: Kit, session: Session) -> None:
    event = ChargingStarted(connector=ConnectorId(1), at=NOW, token=session.token, meter_start_wh=1000, ref="tx-1")
    kit.router.route(CONNECTION, event, lambda *_: "tx-1")


@pytest.mark.parametrize(
    ("limits", "not_yet", "reached"),
    [
        (Limits(energy_wh=5000), (10, 5999, None), (11, 6000, None)),
        # 0.45 EUR a kWh: 10 kWh are 4.50.
        (Limits(amount_minor=450), (10, 10_900, None), (11, 11_000, None)),
        (Limits(duration_s=1800), (29, 9000, None), (30, 9000, None)),
        (Limits(soc_percent=80), (10, 9000, 79), (11, 9000, 80)),
        (Limits(energy_wh=50_000, duration_s=60), (0.5, 1100, None), (1, 1200, None)),
    ],
)
def test_a_charge_ends_at_the_first_reading_that_reaches_a_limit(
    kit: Kit, limits: Limits, not_yet: tuple[float, int, int | None], reached: tuple[float, int, int | None]
) -> None:
    session = limited(kit, limits)
    start(kit, session)
    read(kit, *not_yet)
    assert kit.session(session.session_id).state is State.ACTIVE
    read(kit, *reached)
    ended = kit.session(session.session_id)
    assert (ended.state, ended.reason) == (State.STOPPING, Reason.LIMIT_REACHED)


def test_a_charge_that_began_at_the_plug_keeps_its_limits_too(kit: Kit) -> None:
    session = limited(kit, Limits(energy_wh=5000))
    kit.router.route(
        CONNECTION,
        ChargingStarted(connector=ConnectorId(1), at=NOW, token=None, meter_start_wh=1000, ref="tx-1"),
        lambda *_: "tx-1",
    )
    call = SentCall(
        charger_id="CP-1",
        message_id="m-1",
        action="RequestStartTransaction",
        purpose=Purpose.START,
        sent_at=NOW,
        due_at=NOW,
        subject=session.session_id,
    )
    kit.router.answered(call, CommandResult(verdict=Verdict.ACCEPTED, detail="Accepted", ref="tx-1"))
    read(kit, 10, 7000)
    assert kit.session(session.session_id).state is State.STOPPING


def test_a_charge_without_limits_is_not_read_for_them(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    session = kit.app_session()
    kit.lifecycle.place_hold(session.session_id, "token-hold")
    kit.clock.now = NOW + timedelta(hours=9)
    start(kit, session)
    monkeypatch.setattr(kit.sessions, "get", None)
    # 50.00 EUR are set aside, at 0.45 EUR a kWh: 80 % of that are used up at 88.9 kWh.
    read(kit, 60, 89_000)
