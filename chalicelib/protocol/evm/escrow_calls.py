"""What is said to the escrow contract (infrastructure/chain/escrow.vy) and what it answers, in the ABI's words.

All its arguments are of 32 bytes, so that there is nothing of the ABI to know but that.
"""

from __future__ import annotations

from chalicelib.domain.data_classes import dataclass
from chalicelib.protocol.evm.keccak import hashed

WORD_BYTES, ADDRESS_BYTES = 32, 20
# What a driver's own wallet is shown; the contract's own interface says the same (a test compares).
DEPOSIT = "deposit(bytes32,address,address,uint256)"
_SETTLE = "settle(bytes32,uint256,bytes32)"
_ESCROW_OF = "escrow_of(bytes32)"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainEscrow:
    """An escrow as the contract tells it. Without a driver: none was ever deposited; without an operator: closed.

    `units` are what is held, and what was settled once it is closed; `expires_at` counts seconds.
    """

    driver: bytes
    operator: bytes
    payee: bytes
    units: int
    expires_at: int

    @property
    def is_deposited(self) -> bool:
        """Whether anybody ever deposited for it."""
        return any(self.driver)

    @property
    def is_open(self) -> bool:
        """Whether it is held."""
        return any(self.operator)

    @property
    def is_closed(self) -> bool:
        """Whether it was settled, or has gone back."""
        return self.is_deposited and not self.is_open


def session_name(salt: bytes, session_id: str) -> bytes:
    """What a session is called on chain: it leads to nobody who does not know the salt."""
    return hashed(salt + session_id.encode())


def deposit_call(name: bytes, operator: bytes, payee: bytes, expires_at: int) -> bytes:
    """What a driver sends, with money."""
    return _called(DEPOSIT, name, operator, payee, expires_at.to_bytes(WORD_BYTES, "big"))


def settle_call(name: bytes, units: int, log_root: bytes) -> bytes:
    """What an operator sends when the session is over."""
    return _called(_SETTLE, name, units.to_bytes(WORD_BYTES, "big"), log_root)


def escrow_of_call(name: bytes) -> bytes:
    """What anybody asks of a session."""
    return _called(_ESCROW_OF, name)


def escrow_told(answer: bytes) -> ChainEscrow:
    """What it answers. Raises ValueError: that is no answer of the contract's."""
    if len(answer) != 5 * WORD_BYTES:
        raise ValueError(f"{len(answer)} bytes are no escrow")
    driver, operator, payee, units, expires_at = (
        answer[at : at + WORD_BYTES] for at in range(0, len(answer), WORD_BYTES)
    )
    if any(any(it[:-ADDRESS_BYTES]) for it in (driver, operator, payee)):
        raise ValueError("there is no address in it")
    return ChainEscrow(
        driver=driver[-ADDRESS_BYTES:],
        operator=operator[-ADDRESS_BYTES:],
        payee=payee[-ADDRESS_BYTES:],
        units=int.from_bytes(units, "big"),
        expires_at=int.from_bytes(expires_at, "big"),
    )


def address_of(text: str) -> bytes:
    """An address as people write it. Raises ValueError."""
    found = bytes.fromhex(text.removeprefix("0x"))
    if len(found) != ADDRESS_BYTES or not any(found):
        raise ValueError(f"{text} is no address")
    return found


def _called(signature: str, *words: bytes) -> bytes:
    return hashed(signature.encode())[:4] + b"".join(it.rjust(WORD_BYTES, b"\0") for it in words)
