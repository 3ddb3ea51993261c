"""What prepaid wallets take, as kinds of a fleet: measured by path (`benchmarks/wallets.py`); how often: assumed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cli.fleet import Fleet

# One charge in ten is paid from a wallet, which is paid into for five of them, and paid out once in a hundred.
SHARE = 0.1
_CHARGES_A_TOP_UP, _CHARGES_A_PAY_OUT = 5, 100
_DOES: Mapping[str, Mapping[str, Any]] = {
    "top_up": {"invocations": {"api_handler": 2}},
    "pay_out": {"invocations": {"api_handler": 2}},
}


def wallet_kinds(known: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Each measured path as a kind: "wallet charge" is what it takes beside a charge that a card pays."""
    return {
        f"wallet {path}": {**taken, **_DOES.get(path, {}), "calls": {"dynamodb.any": taken["calls"]}}
        for path, taken in known["wallets"].items()
    }


def asked_of_wallets(fleet: Fleet) -> dict[str, float]:
    """How often in a month."""
    charges = SHARE * fleet.sessions
    return {
        "wallet charge": charges,
        "wallet top_up": charges / _CHARGES_A_TOP_UP,
        "wallet pay_out": charges / _CHARGES_A_PAY_OUT,
        "found debts wallets": charges / 100,
    }
