"""A chain's node by JSON-RPC over HTTP: bounded in time and size, and believed about its own chain alone."""

from __future__ import annotations

import json
import logging
from typing import Any
from urllib.parse import urlsplit

import urllib3

from chalicelib.domain.data_classes import dataclass, field
from chalicelib.ports.chain import Block
from chalicelib.records.money import ChainUnavailable

_CONNECT_S, _READ_S = 2, 5
# A block without its transactions' bodies names each of them: some thousand names.
_MOST_BYTES = 1_000_000
_OK = 200
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_log = logging.getLogger(__name__)


class _Refused(ChainUnavailable):
    """The node answered with an error of its own."""


@dataclass(frozen=True)
class JsonRpcNode:
    """The port ChainNode. Methods make one request, and one more until the node has said that it is of its chain.

    That is remembered; that it is of another is not: behind one address may stand many nodes, and a wrong one is
    replaced while this process lives on.
    """

    http: urllib3.PoolManager
    url: str
    chain_id: int
    _known: set[int] = field(default_factory=set, init=False, repr=False, compare=False)

    def block(self, number: int | None = None) -> Block:
        told = self._asked("eth_getBlockByNumber", _tag(number), False)
        try:
            # A chain without fees of EIP-1559 tells none.
            base_fee = int(told.get("baseFeePerGas", "0x0"), 16)
            return Block(int(told["number"], 16), base_fee, int(told["timestamp"], 16))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ChainUnavailable(f"that is no block: {str(told)[:200]}") from error

    def call(self, to: bytes, data: bytes, block: int) -> bytes:
        told = self._asked("eth_call", {"to": _hex(to), "data": _hex(data)}, _tag(block))
        try:
            return bytes.fromhex(told.removeprefix("0x"))
        except (AttributeError, ValueError) as error:
            raise ChainUnavailable("the contract's answer cannot be read") from error

    def sent_by(self, address: bytes, block: int | None = None) -> int:
        return self._number("eth_getTransactionCount", _hex(address), _tag(block))

    def balance(self, address: bytes) -> int:
        return self._number("eth_getBalance", _hex(address), _tag(None))

    def tip(self) -> int:
        return self._number("eth_maxPriorityFeePerGas")

    def gas(self, by: bytes, to: bytes, data: bytes) -> int:
        return self._number("eth_estimateGas", {"from": _hex(by), "to": _hex(to), "data": _hex(data)})

    def send(self, raw: bytes) -> bool:
        try:
            self._asked("eth_sendRawTransaction", _hex(raw))
        except _Refused as error:
            # It has it already, or one in its place, or it is mined: the chain itself says which.
            _log.info("the node did not take it", extra={"why": str(error)})
            return False
        return True

    def _number(self, method: str, *params: Any) -> int:
        return _number_of(method, self._asked(method, *params))

    def _asked(self, method: str, *params: Any) -> Any:
        if self.chain_id not in self._known:
            if _number_of("eth_chainId", self._told("eth_chainId", ())) != self.chain_id:
                raise ChainUnavailable(f"the node is of another chain than {self.chain_id}")
            self._known.add(self.chain_id)
        return self._told(method, params)

    def _told(self, method: str, params: tuple[Any, ...]) -> Any:
        asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        try:
            answer = self.http.request(
                "POST",
                self.url,
                body=json.dumps(asked).encode(),
                headers={"Content-Type": "application/json"},
                timeout=urllib3.Timeout(connect=_CONNECT_S, read=_READ_S),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            body = answer.read(_MOST_BYTES + 1)
            answer.close() if len(body) > _MOST_BYTES else answer.release_conn()
        except urllib3.exceptions.HTTPError as error:
            # The address may bear a key: of the error only its kind is told.
            raise ChainUnavailable(f"the node cannot be asked ({type(error).__name__})") from None
        return _result(method, answer.status, body)


def node_at(url: str, chain_id: int) -> JsonRpcNode:
    """The node at an address. Raises ValueError where anybody on the way could read and change what it says."""
    told = urlsplit(url)
    if told.scheme != "https" and not (told.scheme == "http" and told.hostname in _LOOPBACK):
        raise ValueError("a chain's node is asked by https, or on this machine")
    return JsonRpcNode(urllib3.PoolManager(), url, chain_id)


def _result(method: str, status: int, body: bytes) -> Any:
    if len(body) > _MOST_BYTES:
        raise ChainUnavailable(f"{method}: more than {_MOST_BYTES} bytes")
    try:
        told = json.loads(body)
    except ValueError:
        raise ChainUnavailable(f"{method}: {status}, and no JSON") from None
    error = told.get("error") if isinstance(told, dict) else None
    if error:
        raise _Refused(f"{method}: {str(error.get('message') if isinstance(error, dict) else error)[:200]}")
    if status != _OK or not isinstance(told, dict) or told.get("id") != 1 or told.get("result") is None:
        raise ChainUnavailable(f"{method}: {status}, and no result")
    return told["result"]


def _number_of(method: str, told: Any) -> int:
    try:
        return int(told, 16)
    except (TypeError, ValueError) as error:
        raise ChainUnavailable(f"{method} answers no number") from error


def _tag(block: int | None) -> str:
    return "latest" if block is None else hex(block)


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
