"""Bounds of a charge's money: what may be taken for it from a card whose holder is not asked again.

Never more than the driver's own limit, to the cent; than the hold they agreed to and what one reading can add to it,
for a charge is looked at with its readings; than the cap of its tariff. What is billed beyond the limit is let go, what
is billed beyond the rest waits until the driver pays it or the operator lowers it.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from chalicelib.domain.charging.session import Origin, Session
from chalicelib.domain.pricing.caps import cap_minor, worth_minor
from chalicelib.domain.pricing.currency import decimals
from chalicelib.domain.pricing.rating import Usage, planned, price
from chalicelib.domain.pricing.tariff import PriceLimit, Tariff

# Chargers tell their registers every quarter of an hour at least.
READING_EVERY_S = 900
# Kerb sets chargers to a reading a minute, and a charge that is told to end takes as long again.
FIRST_READING_S = 120
# How long a limit in kWh may take, where time costs too: an ordinary wallbox.
_USUAL_W = 11_000
# What a plug is taken to give whose power nobody registered: an ordinary one of alternating current.
UNREGISTERED_W = 22_000
# No car takes more; a plug that is registered as stronger is taken for this, lest holds grow with a wrong figure.
STRONGEST_W = 500_000


def reserved_minor(session: Session) -> int:
    """What keeping the connector before the charge costs: agreed to with the reservation, and beside every limit."""
    if session.reserved is None:
        return 0
    return price(session.tariff, Usage((), session.reserved), session.time_zone).total_minor


def limit_minor(session: Session) -> int | None:
    """What driver and organisation let the session cost, its reservation included; None where neither says."""
    limits = session.limits_in_force
    if limits is None or limits.amount_minor is None:
        return session.organisation_minor
    own_minor = limits.amount_minor + reserved_minor(session)
    return own_minor if session.organisation_minor is None else min(own_minor, session.organisation_minor)


def ceiling_minor(session: Session) -> int:
    """What a session may take unasked at the very most: the tariff's cap, or the driver's limit where that is lower."""
    cap = cap_minor(session.tariff, session.created_at.date())
    limit = limit_minor(session)
    return cap if limit is None else min(cap, limit)


def energy_within_wh(session: Session, lasted_s: int) -> int:
    """The energy that its plug can give in that time."""
    return min(session.plug_w or UNREGISTERED_W, STRONGEST_W) * lasted_s // 3600


def reading_worth_minor(session: Session) -> int:
    """What one reading can add to a bill at its plug's power."""
    return worth_minor(session.tariff, energy_within_wh(session, READING_EVERY_S), READING_EVERY_S)


def agreed_hold_minor(session: Session) -> int:
    """The hold that its driver agrees to by beginning it: what the limits come to, or what the tariff asks for.

    Never less than what can flow before the first reading, for until then nobody can end what costs too much; never
    more than may be taken unasked; 0 where nothing costs anything.
    """
    if session.origin is Origin.RESERVATION:
        return min(reserved_minor(session), ceiling_minor(session))
    if session.tariff.is_free:
        return 0
    wanted = session.tariff.hold_minor
    limits = session.limits
    if limits is not None and limits.energy_wh is not None:
        charging_s = limits.duration_s or limits.energy_wh * 3600 // _USUAL_W
        most = planned(session.created_at, limits.energy_wh, charging_s, reserved=session.reserved)
        wanted = min(wanted, price(session.tariff, most, session.time_zone).total_minor)
    first_wh = energy_within_wh(session, FIRST_READING_S)
    first_minor = worth_minor(session.tariff, first_wh, FIRST_READING_S, is_first=True) + reserved_minor(session)
    return max(1, min(max(wanted, first_minor), ceiling_minor(session)))


def unasked_minor(session: Session) -> int:
    """What may be taken for a session in all without asking its driver again; an organisation is never asked."""
    if session.organisation_id is not None:
        return ceiling_minor(session)
    held_minor = session.held_minor or agreed_hold_minor(session)
    return min(ceiling_minor(session), held_minor + reading_worth_minor(session))


def more_unasked_minor(session: Session) -> int:
    """What more may be taken unasked, beyond what was."""
    taken_minor = session.payment.amount_minor if session.payment else session.taken_minor
    return max(0, unasked_minor(session) - taken_minor)


def within_limit(session: Session) -> Tariff:
    """Its tariff with the driver's limit as what it costs at the most: what was beyond it is not sold."""
    most_minor = limit_minor(session)
    if most_minor is None:
        return session.tariff
    high = session.tariff.max_price or PriceLimit()
    most = Decimal(most_minor).scaleb(-decimals(session.tariff.currency))
    after_taxes = most if high.after_taxes is None else min(most, high.after_taxes)
    return replace(session.tariff, max_price=PriceLimit(high.before_taxes, after_taxes))
