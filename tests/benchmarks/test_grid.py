"""The seam to ACN-Sim's judge: its sites as they are, its steps to the last bit, nothing kept from another run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from benchmarks.acn_seam import schedule
from benchmarks.grid import crowd
from chalicelib.domain.grid.balancing import share

AT = datetime(2026, 6, 1, tzinfo=UTC)
COARSE = (0.0, 8.0, 16.0, 24.0, 100 / 3)


def infrastructure(amperes: float, **stations: tuple[float, tuple[float, ...]]) -> Any:
    """Stations by angle and steps, under one limit that subtracts the second kind from the first."""
    weights = {name: 1.0 if angle else -1.0 for name, (angle, _) in stations.items()}
    return SimpleNamespace(
        period_minutes=5,
        stations={
            name: SimpleNamespace(voltage=208.0, phase_deg=angle, steps=steps)
            for name, (angle, steps) in stations.items()
        },
        limits=(SimpleNamespace(id="transformer", amperes=amperes, weights=weights),),
    )


def session(station: str, **more: Any) -> Any:
    about = {"id": f"s-{station}", "station": station, "arrival": 0, "departure": 60, "requested_kwh": 20.0}
    return SimpleNamespace(**about | {"delivered_kwh": 0.0, "granted_a": 0.0, "drawn_a": 0.0} | more)


def asked(site: Any, period: int, *sessions: Any) -> Mapping[str, float]:
    return schedule(sessions, site, None, AT + period * timedelta(minutes=5))


def test_a_stations_own_steps_are_granted_to_the_last_bit() -> None:
    site = infrastructure(100, one=(30.0, COARSE))
    assert asked(site, 0, session("one")) == {"one": 100 / 3}


def test_weights_and_angles_are_the_sites() -> None:
    site = infrastructure(20, one=(30.0, (0, 6, 12, 18, 24)), other=(30.0, (0, 6, 12, 18, 24)))
    assert asked(site, 0, session("one"), session("other")) == {"one": 6.0, "other": 12.0} or {
        "one": 12.0,
        "other": 6.0,
    }
    apart = infrastructure(20, one=(30.0, (0, 6, 12, 18)), other=(0.0, (0, 6, 12, 18)))
    amperes = asked(apart, 0, session("one"), session("other"))
    assert abs(amperes["one"] * complex(3**0.5 / 2, 0.5) - amperes["other"]) <= 20


def test_what_is_learnt_of_a_car_is_kept_until_another_run_begins() -> None:
    site = infrastructure(40, one=(30.0, (0, *range(6, 33))), other=(30.0, (0, *range(6, 33))))
    for period in range(3):
        amperes = asked(
            site, period, session("one", granted_a=20.0, drawn_a=10.0), session("other", granted_a=20.0, drawn_a=20.0)
        )
    assert amperes == {"one": 11.0, "other": 29.0}
    assert asked(site, 0, session("one"), session("other")) == {"one": 20.0, "other": 20.0}


def test_the_crowd_that_is_measured_leaves_nobody_out() -> None:
    tree, claims = crowd(50, 400)
    grants = share(tree, claims, claims[0].begun_at).limit_ma
    assert len(grants) == 50
    assert all(grants.values())
