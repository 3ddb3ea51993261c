"""A charge that no app asked for, as an organisation is asked whether it pays; alone, for chargers' starts load it."""

from __future__ import annotations

from datetime import datetime

from chalicelib.domain.data_classes import dataclass


class NotPaidFor(ValueError):
    """The organisation does not pay for that; the text names the rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedCharge:
    """A member's charge that is about to begin, or began `at` that time, and what would be set aside for it."""

    operator_id: str
    organisation_id: str
    driver_id: str
    site_id: str
    time_zone: str
    currency: str
    hold_minor: int
    at: datetime
