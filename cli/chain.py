"""What a charge paid by a deposit on chain costs, apart from chargers: a node's requests, AWS calls, and gas."""

from __future__ import annotations

from collections.abc import Mapping

from cli.bill import cost, price_list
from cli.report import Sheet

# What a charge asks of a node from its start to its receipt, where its app looks three times and the sweep twice;
# tests/services/money/test_deposits.py counts them.
NODE_REQUESTS: Mapping[str, int] = {
    "eth_getBlockByNumber": 15,
    "eth_call": 6,
    "eth_getTransactionCount": 5,
    "eth_getBalance": 1,
    "eth_maxPriorityFeePerGas": 1,
    "eth_estimateGas": 1,
    "eth_sendRawTransaction": 1,
}
SIGNATURES = 1
# Where deposits are on, one charge in a hundred is paid so: assumed.
SHARE = 0.01
# Beside what a charge takes that a card pays; rounded up.
_CALLS: Mapping[str, tuple[str, int]] = {"reads": ("read_unit", 40), "writes": ("write_unit", 2 * 12)}
# By tests/infrastructure/chain: what is settled, and the rest back. The driver pays for their deposit.
SETTLE_GAS, DEPOSIT_GAS = 53_300, 92_200
# What a unit of gas is: on a chain whose coin is a dollar, at the setting's cap there, and on no chain for a charge.
_GAS_USD = {"1 gwei, a coin of $1": 1e-9, "100 gwei, a coin of $1": 1e-7, "1 gwei, a coin of $3,000": 3e-6}


def aws_usd() -> float:
    """What it takes on AWS beside a charge that a card pays."""
    prices = price_list()["prices"]
    used = {price: float(amount) for price, amount in _CALLS.values()}
    return sum(cost(amount, prices[key]) for key, amount in {**used, "kms_signature": SIGNATURES}.items())


def node_usd() -> float:
    """What a node's owner asks for it."""
    return cost(sum(NODE_REQUESTS.values()), price_list()["prices"]["node_request"])


def sheet() -> Sheet:
    """A charge: node, AWS, gas of ours and of its driver."""
    rows = [
        ["requests of a node", f"{sum(NODE_REQUESTS.values())}"],
        ["a node's owner, by its list", f"${node_usd():.5f}"],
        ["AWS, a KMS signature among it", f"${aws_usd():.5f}"],
        *(
            [f"gas at {at}: settled, deposited", f"${SETTLE_GAS * usd:.5f}, ${DEPOSIT_GAS * usd:.5f}"]
            for at, usd in _GAS_USD.items()
        ),
    ]
    return Sheet(["a charge paid by a deposit on chain, apart from chargers", ""], rows, "A deposit on chain")
