"""Whatever is granted, in whatever form and version: a composite schedule keeps it, and then the default."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.chargers.charging_ability import ChargingAbility, ProfileForm, RateUnit
from chalicelib.domain.chargers.commands import CommandResult, ProfileKind, ProfilePurpose, SetProfile, Verdict
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.grid.composite import follows
from chalicelib.domain.grid.profiles import Allowance, PortGrant, default_of, profile_of
from chalicelib.domain.grid.tree import Phase, Port, PortId
from chalicelib.protocol.ocpp import dialect_for
from chalicelib.protocol.ocpp.composite import told_schedule
from local.simulator.profiles import Charge, Profile, Profiles

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
SINCE = NOW - timedelta(hours=1)
PORT = Port(port_id=PortId("CP", ConnectorId(1)), node_id="grid")
DEFAULT = ProfileForm(ProfilePurpose.DEFAULT, ProfileKind.RELATIVE, RateUnit.AMPERES, 0)
FORMS = st.builds(
    ProfileForm,
    st.sampled_from((ProfilePurpose.SESSION, ProfilePurpose.DEFAULT)),
    st.sampled_from((ProfileKind.ABSOLUTE, ProfileKind.RELATIVE)),
    st.sampled_from(tuple(RateUnit)),
    st.just(5),
)
STEPS = st.lists(
    st.tuples(st.integers(1, 60), st.sampled_from((0, 6_000, 6_449, 8_000, 13_050, 32_000))), min_size=1, max_size=8
)


def keep(kept: Profiles, version: str, command: SetProfile) -> None:
    """As a charger of that version takes it."""
    _, payload = dialect_for(version).encode(command)
    raw = payload.get("csChargingProfiles") or payload["chargingProfile"]
    is_session = command.purpose is ProfilePurpose.SESSION
    kept.add(Profile(1, raw, NOW, "tx" if is_session else None))


@pytest.mark.parametrize("version", ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])
@settings(deadline=None)
@given(
    steps=STEPS,
    form=FORMS,
    car_phases=st.sampled_from((1, 3)),
    most=st.sampled_from((None, 1, 3)),
    is_one_phase=st.booleans(),
)
def test_a_composite_schedule_keeps_the_grant_and_after_it_the_default(
    version: str, steps: list[tuple[int, int]], form: ProfileForm, car_phases: int, most: int | None, is_one_phase: bool
) -> None:
    starts = [60 * sum(length for length, _ in steps[:number]) for number in range(len(steps))]
    plan = tuple(Allowance(start_s, limit_ma) for start_s, (_, limit_ma) in zip(starts, steps, strict=True))
    port = replace(PORT, phases=(Phase.L3,)) if is_one_phase else PORT
    phases = 1 if is_one_phase else car_phases
    grant = PortGrant(port=port, allowances=plan, at=NOW, ref="7", car_phases=phases)
    ability = ChargingAbility(most_periods=most, is_relative_since_receipt=version != "ocpp1.6")
    kept = Profiles()
    default = default_of(port, Allowance(0, 6_000), DEFAULT, phases)
    keep(kept, version, default)
    sent = profile_of(grant, form, ability)
    keep(kept, version, sent.command)
    unit = form.unit.value
    charge = Charge("tx", SINCE, phases=phases, most_phases=phases)
    periods = kept.composite(1, NOW, grant.lease_s + 600, unit, charge, 1)
    schedule = {"chargingRateUnit": unit, "chargingSchedulePeriod": periods, "duration": grant.lease_s + 600}
    told = told_schedule(
        CommandResult(verdict=Verdict.ACCEPTED, data={"chargingSchedule": schedule}), grant.lease_s + 600
    )
    assert told is not None
    proof = follows(told, grant, 6_000)
    assert proof.keeps_grant
    # One that has no end is as good as the least of the plan, for as long as the charge.
    assert proof.keeps_default is (
        sent.ends_at is not None or min(it.limit_ma for it in plan if it.start_s < 3600) <= 6_000
    )
