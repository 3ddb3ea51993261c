"""A driver's deposit on chain for one session, and what a key of ours has sent there: two of the papers of a wallet.

What is due of a deposit is decided once, and sent as often as it takes. No paper says who somebody is on chain.
"""

from __future__ import annotations

from datetime import datetime

from chalicelib.domain.data_classes import dataclass, replace

# A replacement is taken by nodes where it bears a tenth more of both fees.
_MORE, _OF = 11, 10
# A settlement, one that makes its payee an account among them, and a quarter more, as it is sent.
_SETTLEMENT_GAS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainTerms:
    """Where deposits are made and what they are worth: so many of the chain's units for a minor unit of `currency`.

    What lies `confirmations` blocks deep is believed; a unit of gas is never paid for with more than `most_fee`.
    """

    chain_id: int
    contract: bytes
    payee: bytes
    currency: str
    units_per_minor: int
    confirmations: int
    most_fee: int

    @property
    def settlement_units(self) -> int:
        """What settling one deposit may take of the coin: no more gas than this, at the highest fee."""
        return _SETTLEMENT_GAS * self.most_fee


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit:
    """A deposit that is asked for; `amount_minor` is what was seen of it, 0 before.

    `name` is what its session is called on chain, made with `salt`, and lies in `contract`, all in hexadecimal: they go
    with their driver. It stays with the contract and the rate that its driver was told, be others in force by then.
    `closing_minor` is what is to be settled of it, decided once; None: nothing yet. `is_closed`: the chain says so, or
    its time is over, and `taken_minor` of it paid. `next_at`: then it is looked at again.
    """

    session_id: str
    driver_id: str
    name: str
    salt: str
    contract: str
    units_per_minor: int
    at: datetime
    expires_at: datetime
    amount_minor: int = 0
    closing_minor: int | None = None
    is_closed: bool = False
    taken_minor: int = 0
    next_at: datetime | None = None
    version: int = 0

    @property
    def is_decided(self) -> bool:
        """Whether it is decided what is to be settled of it, be that nothing."""
        return self.closing_minor is not None

    def minor(self, units: int) -> int:
        """What so many of the chain's units are worth, rounded down."""
        return units // self.units_per_minor

    def units(self, amount_minor: int) -> int:
        """So much in the chain's units."""
        return amount_minor * self.units_per_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainCall:
    """A call of a contract under a nonce, as it was last sent: `about` says what for, `data` and `raw` are its bytes.

    They and `to` are in hexadecimal; fees are for a unit of gas.
    """

    nonce: int
    about: str
    to: str
    data: str
    gas: int
    tip: int
    most_fee: int
    raw: str
    sent_at: datetime

    def raised(self, cap: int) -> tuple[int, int] | None:
        """Tip and fee under which it may take its own place; None where they would be above the cap."""
        tip, most_fee = (-(-fee * _MORE // _OF) for fee in (self.tip, self.most_fee))
        return (tip, most_fee) if most_fee <= cap else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainOutbox:
    """What a key has sent and what is not settled deep enough to be forgotten; `next_nonce` is its next one.

    It is replaced as a whole: of two who would send under one nonce, one has written it down, and the other reads.
    """

    chain_id: int
    address: str
    next_nonce: int = 0
    pending: tuple[ChainCall, ...] = ()
    next_at: datetime | None = None
    version: int = 0

    def with_call(self, call: ChainCall, next_at: datetime) -> ChainOutbox:
        """The outbox with a further call."""
        return replace(self, next_nonce=call.nonce + 1, pending=(*self.pending, call), next_at=next_at)
