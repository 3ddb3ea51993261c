"""A chain's node on this machine: what JSON-RPC is asked of one, answered by a chain in this process.

The chain is `eth-tester`'s, which whoever uses this brings along (requirements-dev.txt): nothing here loads it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HOST = "127.0.0.1"
_TIP = 10**9
_MEGABYTE = 1_000_000


class NodeFault(StrEnum):
    """What a node can do wrong. LOST: a transaction is taken, and no answer comes; DROPPED: it is not, and one does."""

    DOWN = "down"
    GARBAGE = "garbage"
    ENDLESS = "endless"
    ANOTHERS = "anothers"
    LOST = "lost"
    DROPPED = "dropped"


class ChainServer:
    """Takes any free port when it is made, answers from `start` to `stop`; one question at a time, as its chain can.

    `tester` is an EthereumTester. `fault` is what goes wrong at present, `asked` which methods were asked.
    """

    def __init__(self, tester: Any) -> None:
        self._tester = tester
        self._lock = threading.Lock()
        self.fault: NodeFault | None = None
        self.asked: list[str] = []
        self._server = ThreadingHTTPServer((HOST, 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="chain", daemon=True)
        self._answers: Mapping[str, Callable[..., Any]] = {
            "eth_chainId": lambda: hex(int(tester.backend.chain.chain_id)),
            "eth_getBlockByNumber": self._block,
            "eth_call": self._call,
            "eth_getTransactionCount": lambda who, block: hex(tester.get_nonce(who, _block_of(block))),
            "eth_getBalance": lambda who, block: hex(tester.get_balance(who, _block_of(block))),
            "eth_maxPriorityFeePerGas": lambda: hex(_TIP),
            "eth_estimateGas": self._gas,
            "eth_sendRawTransaction": self._sent,
        }

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self._server.server_port}"

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Answer nobody any more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _block(self, number: str, full: bool) -> dict[str, str]:
        told = self._tester.get_block_by_number(_block_of(number), full)
        names = {"number": "number", "baseFeePerGas": "base_fee_per_gas", "timestamp": "timestamp"}
        return {name: hex(told[ours]) for name, ours in names.items()}

    def _call(self, call: dict[str, Any], block: str) -> str:
        by = self._tester.get_accounts()[0]
        return str(self._tester.call({"from": by, **call}, _block_of(block)))

    def _gas(self, call: dict[str, Any]) -> str:
        # A contract that refuses says why only where it is called.
        self._tester.call(call)
        return hex(self._tester.estimate_gas({**call, "value": 0}))

    def _sent(self, raw: str) -> str:
        if self.fault is NodeFault.DROPPED:
            return "0x" + 64 * "0"
        return str(self._tester.send_raw_transaction(raw))

    def _answer(self, asked: dict[str, Any]) -> bytes | None:
        """A body; None: the line breaks."""
        self.asked.append(asked["method"])
        if self.fault is NodeFault.DOWN:
            return None
        if self.fault is NodeFault.GARBAGE:
            return b"<html>busy</html>"
        if self.fault is NodeFault.ENDLESS:
            return b'{"jsonrpc":"2.0","id":1,"result":"0x' + b"0" * 2 * _MEGABYTE + b'"}'
        told: dict[str, Any] = {"jsonrpc": "2.0", "id": asked["id"]}
        try:
            with self._lock:
                result = self._answers[asked["method"]](*asked["params"])
        except Exception as error:
            told["error"] = {"code": -32000, "message": str(error)}
        else:
            told["result"] = "0x1" if self.fault is NodeFault.ANOTHERS else result
        if self.fault is NodeFault.LOST and asked["method"] == "eth_sendRawTransaction":
            return None
        return json.dumps(told).encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                body = server._answer(asked)
                if body is None:
                    self.close_connection = True
                    return
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing: whoever asks knows."""

        return Handler


def _block_of(tag: str) -> int | str:
    return tag if tag in ("latest", "pending", "earliest") else int(tag, 16)
