"""Records of vehicles: a driver's car, its link to a maker, and what makers answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.domain.data_classes import dataclass, field
from chalicelib.domain.vehicles.budget import NOTHING_SPENT, Spending
from chalicelib.domain.vehicles.capability import Capability
from chalicelib.domain.vehicles.telemetry import NOTHING_TOLD, Telemetry

# The driver types the percentage, and Kerb counts on: what any car can do, and what is left of one whose maker closed.
MANUAL = "manual"


class LinkState(StrEnum):
    """How a link to a maker stands."""

    LINKED = "linked"
    # Its tokens are good no more: taken back, out of time, or spent on an answer that never came.
    # Only the driver mends that, by linking again.
    BROKEN = "broken"


class PositionSharing(StrEnum):
    """What a driver lets be kept of where their car is: nothing, to a kilometre, or as the car says it; for days."""

    NONE = "none"
    COARSE = "coarse"
    PRECISE = "precise"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vehicle:
    """A driver's car. `maker` is an adapter's name; `maker_id` the maker's own for the car, empty for a manual one.

    `can` is what maker, car and the driver's consent leave of the capabilities. `battery_wh` is what the driver or the
    maker said it holds when full. `spent` is what it cost to ask its maker.
    """

    vehicle_id: str
    driver_id: str
    maker: str
    name: str
    added_at: datetime
    maker_id: str = ""
    link_id: str = ""
    can: frozenset[Capability] = frozenset()
    battery_wh: int | None = None
    telemetry: Telemetry = NOTHING_TOLD
    sharing: PositionSharing = PositionSharing.NONE
    spent: Spending = NOTHING_SPENT
    revision: int = 0

    @property
    def is_manual(self) -> bool:
        """Whether nobody but its driver says how full it is."""
        return self.maker == MANUAL


@dataclass(frozen=True, slots=True, kw_only=True)
class CarTokens:
    """What a maker gave for a driver's consent; in the clear only while it is used. `refresh` is good for one use."""

    access: str = field(repr=False)
    expires_at: datetime
    refresh: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CarLink:
    """A driver's consent at a maker, for one or more of their cars. `sealed` are its tokens, encrypted.

    `account` is whom the maker knows (an id of the maker's, or ours there). `lease_until` keeps others from refreshing
    while one does. `is_spent`: its refresh token was shown to the maker, and is never shown again, answer or no answer.
    `told_at` is when the driver was told that it broke: they are told once.
    """

    link_id: str
    driver_id: str
    maker: str
    state: LinkState
    linked_at: datetime
    account: str = ""
    sealed: bytes = field(default=b"", repr=False)
    expires_at: datetime | None = None
    lease_until: datetime | None = None
    is_spent: bool = False
    told_at: datetime | None = None
    revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkAttempt:
    """A link that a driver began: its `state` comes back from the maker once. `verifier` is PKCE's, and stays here.

    `link_id` is what the link will be called, and the account at makers that keep accounts by our names.
    """

    state: str
    link_id: str
    driver_id: str
    maker: str
    redirect_uri: str
    expires_at: datetime
    verifier: str = field(default="", repr=False)
    sharing: PositionSharing = PositionSharing.NONE


@dataclass(frozen=True, slots=True)
class LinkAccess:
    """What a call at a maker is made with: whose, and by which token."""

    account: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ConsentScope:
    """One thing that a driver is asked to allow at a maker: its name there, and the capabilities that it opens."""

    name: str
    opens: frozenset[Capability] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCar:
    """A car that a maker has for an account: what it calls it, and what can be asked of it."""

    maker_id: str
    name: str
    can: frozenset[Capability]
    battery_wh: int | None = None


class AnswerKind(StrEnum):
    """What a maker made of a command. Even `ACCEPTED` is only a word: what the car says afterwards counts."""

    ACCEPTED = "accepted"
    # It is so already.
    ALREADY = "already"
    # The car will not: full, unplugged, somebody else's schedule. Asked again, it says the same.
    REFUSED = "refused"
    ASLEEP = "asleep"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class CarAnswer:
    """What came of a command, and the maker's reason in a word or two, for whoever looks into it."""

    kind: AnswerKind
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarNews:
    """What a maker told by itself: of one car, under an id that is the same when it is told again.

    `is_gone`: the driver took the consent back there, `at` that time as the maker has it; of one car where it is named.
    `signals`: how many values it is billed as, by a maker that bills those.
    """

    event_id: str
    maker: str
    maker_id: str
    telemetry: Telemetry = NOTHING_TOLD
    account: str = ""
    is_gone: bool = False
    at: datetime | None = None
    signals: int = 0


@dataclass(frozen=True, slots=True)
class PushedNews:
    """All that one call of a maker told, or what to answer to prove that it was heard."""

    news: Sequence[CarNews] = ()
    reply: Mapping[str, str] | None = None


class LinkBroken(Exception):
    """The maker takes a link's tokens no more; only the driver can mend that."""


class CarAsleep(Exception):
    """The car answers nothing until it wakes, and was not woken for this."""


class CarUnreachable(Exception):
    """The maker cannot reach the car: a garage, no coverage."""


class PlaceNotShared(Exception):
    """The driver allowed us much at the maker, but not where the car is: asked without that, it answers."""


class NotPushed(Exception):
    """What came to a maker's webhook is not signed by it, or cannot be read."""


class MakerUnavailable(Exception):
    """A maker did not answer, or not now; the text repeats no secret. `retry_after`: how long it wants to be left.

    `is_unsure`: it may have been heard all the same, and only the answer is lost.
    """

    def __init__(self, why: str, retry_after: timedelta | None = None, *, is_unsure: bool = False) -> None:
        super().__init__(why)
        self.retry_after = retry_after
        self.is_unsure = is_unsure


class BudgetSpent(Exception):
    """Asking once more is not worth its price today, or the maker is being left alone; `until`: when that ends."""

    def __init__(self, why: str, until: datetime) -> None:
        super().__init__(why)
        self.until = until
