"""A chain in this process, and the escrow on it: what people send to it, what it answers, what that took."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from eth_abi.abi import decode, encode
from eth_tester import EthereumTester, PyEVMBackend
from eth_tester.exceptions import TransactionFailed
from eth_utils.abi import function_abi_to_4byte_selector
from eth_utils.crypto import keccak

from infrastructure.chain.compiled import kept, made

ATTACKER = Path(__file__).parent / "attacker.vy"
ROOT = keccak(b"checkpoint")
_GAS = 1_000_000
# More than the contract has room for.
_RICH = 2**100


@dataclass(frozen=True, slots=True)
class Sent:
    """What a transaction took, and which events it left: names with their values."""

    gas: int
    events: tuple[tuple[str, tuple[Any, ...]], ...]


class Refused(Exception):
    """The contract would not; the text says why."""


class Chain:
    """The escrow on a chain of its own, with eight people who have money."""

    def __init__(self, at_s: int | None = None) -> None:
        state = PyEVMBackend.generate_genesis_state(overrides={"balance": _RICH}, num_accounts=8)
        began = PyEVMBackend.generate_genesis_params(overrides={"timestamp": at_s} if at_s else {})
        self.tester = EthereumTester(PyEVMBackend(genesis_state=state, genesis_parameters=began))
        self.people: list[str] = list(self.tester.get_accounts())
        # Who is paid, and signs nothing.
        self.payee = self.people[6]
        self.escrow = self.deployed(kept())

    @property
    def now(self) -> int:
        """The time that the next transaction has, or a little less."""
        return int(self.tester.get_block_by_number("latest")["timestamp"])

    @property
    def chain_id(self) -> int:
        """Which chain it is, which a transaction says, so that it is valid on no other."""
        return int(self.tester.backend.chain.chain_id)

    def deployed(self, contract: dict[str, Any], *arguments: str) -> str:
        """Where a contract lies from now on."""
        data = contract["bytecode"] + encode(["address"] * len(arguments), arguments).hex()
        sent = self.tester.send_transaction({"from": self.people[0], "gas": 4_000_000, "data": data})
        return str(self.tester.get_transaction_receipt(sent)["contract_address"])

    def send(self, by: str, name: str, *arguments: Any, value: int = 0, to: str = "") -> Sent:
        """Have somebody call a function of the escrow's, or of the contract `to`. Raises Refused."""
        abi = kept()["abi"] if not to else _attackers()["abi"]
        transaction = {
            "from": by,
            "to": to or self.escrow,
            "gas": _GAS,
            "value": value,
            "data": "0x" + _call(abi, name, arguments).hex(),
        }
        try:
            # As a wallet does: what would be refused is not sent, and costs no block.
            self.tester.call(transaction, "pending")
        except TransactionFailed as error:
            raise Refused(str(error)) from error
        receipt = self.tester.get_transaction_receipt(self.tester.send_transaction(transaction))
        if not receipt["status"]:
            raise Refused("it took too much gas")
        events = tuple(_event(it) for it in receipt["logs"] if it["address"] == self.escrow)
        return Sent(int(receipt["gas_used"]), events)

    def ask(self, name: str, *arguments: Any, to: str = "") -> tuple[Any, ...]:
        """What a function that changes nothing answers."""
        abi = kept()["abi"] if not to else _attackers()["abi"]
        data = "0x" + _call(abi, name, arguments).hex()
        answer = self.tester.call({"from": self.people[0], "to": to or self.escrow, "data": data})
        types = [it["type"] for it in _of(abi, "function", name)["outputs"]]
        return tuple(decode(types, bytes.fromhex(answer[2:])))

    def balance(self, whose: str = "") -> int:
        """What somebody has, or the escrow."""
        return int(self.tester.get_balance(whose or self.escrow))

    def give(self, whom: bytes, amount: int = 10**18) -> None:
        """Have somebody from outside own something, to pay for gas."""
        to = "0x" + whom.hex()
        self.tester.send_transaction({"from": self.people[0], "to": to, "value": amount, "gas": 21_000})

    def wait(self, until_s: int) -> None:
        """Let time go by."""
        self.tester.time_travel(until_s)

    def attacker(self) -> str:
        """A contract that takes what it can."""
        return self.deployed(_attackers(), self.escrow)


def called(name: str, *arguments: Any) -> bytes:
    """What is sent to the escrow to have a function of it run."""
    return _call(kept()["abi"], name, arguments)


@cache
def _attackers() -> dict[str, Any]:
    return made(ATTACKER)


def _of(abi: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    return next(it for it in abi if it["type"] == kind and it.get("name") == name)


def _call(abi: list[dict[str, Any]], name: str, arguments: tuple[Any, ...]) -> bytes:
    function: Any = _of(abi, "function", name)
    return function_abi_to_4byte_selector(function) + encode([it["type"] for it in function["inputs"]], arguments)


def _event(log: dict[str, Any]) -> tuple[str, tuple[Any, ...]]:
    topics = [bytes.fromhex(it[2:]) for it in log["topics"]]
    for event in kept()["abi"]:
        types = [it["type"] for it in event["inputs"]] if event["type"] == "event" else []
        if types and keccak(f"{event['name']}({','.join(types)})".encode()) == topics[0]:
            indexed = [decode([it["type"]], topics.pop(1))[0] for it in event["inputs"] if it["indexed"]]
            told = [it["type"] for it in event["inputs"] if not it["indexed"]]
            return event["name"], (*indexed, *decode(told, bytes.fromhex(log["data"][2:])))
    raise LookupError("an event that the contract does not have")
