"""Who waits for power, and why, by what was shared out."""

from __future__ import annotations

from datetime import timedelta

from chalicelib.domain.grid.balancing import share
from chalicelib.domain.grid.tree import Claim, Conditions, OperatorLimit, SiteTree
from chalicelib.domain.grid.waits import PowerWait, WaitCause, power_waits
from tests.domain.grid.sites import AT, claim, looks, port, port_id, site

TREE = site([port(it) for it in range(3)], 13)


def waits(claims: list[Claim], *limits: OperatorLimit, tree: SiteTree = TREE) -> dict[int, PowerWait]:
    found = power_waits(claims, share(tree, claims, AT, Conditions(limits=limits)), limits, [port_id(1)], AT)
    return {number: found[port_id(number)] for number in range(3) if port_id(number) in found}


def test_who_has_no_turn_waits_until_the_first_turn_ends() -> None:
    begun = AT - timedelta(minutes=5)
    found = waits([claim(0, turn_since=begun), claim(1), claim(2, served_wh=5_000)])
    assert found[2] == PowerWait(WaitCause.TURN, AT, begun + timedelta(minutes=15))


def test_who_charges_and_has_nothing_in_silence_is_told_so() -> None:
    assert waits([claim(0), claim(1)]) == {1: PowerWait(WaitCause.OFFLINE, AT)}


def test_where_a_limit_leaves_nobody_any_all_wait_until_it_ends() -> None:
    ends_at = AT + timedelta(minutes=30)
    limit = OperatorLimit(node_id="grid", limit_ma=4_000, begins_at=AT, ends_at=ends_at)
    over = OperatorLimit(node_id="grid", limit_ma=4_000, begins_at=AT - timedelta(hours=1), ends_at=AT)
    assert waits([claim(0), claim(2)], over, limit) == {
        number: PowerWait(WaitCause.LIMIT, AT, ends_at) for number in (0, 2)
    }
    assert waits([claim(0)], tree=site([port(0)], 5)) == {0: PowerWait(WaitCause.LIMIT, AT)}


def test_a_car_that_takes_nothing_or_has_what_it_asked_for_waits_for_nobody() -> None:
    asleep = claim(2, draws=looks((6.0, 0.0), (6.0, 0.0)), idle_since=AT - timedelta(minutes=1))
    met = claim(2, asked_wh=5_000, served_wh=5_000)
    for third in (asleep, met):
        assert 2 not in waits([claim(0), claim(1), third])
