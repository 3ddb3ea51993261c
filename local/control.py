"""The control door of a running stack: GET requests that move its clock and rule its Stripe, to try a story on it.

It listens on this machine alone, whatever the stack's own address is, and answers in JSON:

    /info                        where the local Stripe is, the webhook secret, who the operator and the driver are
    /offset?s=N                  the app's clock runs N seconds ahead
    /hold  /release[?newest=1]   Stripe's webhooks wait; come, oldest first or newest first
    /events[?type=T]             Stripe's events, oldest first
    /redeliver?id=EVENT          one event again; the status that the app answered it with
    /first?on=1                  webhooks come before the answer to the call that caused them
    /dispute?payment=ID&status=S a bank disputes a payment, or decides: needs_response, won, lost, ... (Stripe's words)
    /fail_refund?id=REFUND       a refund comes back after all
    /min?on=1                    Stripe refuses what is below its least amount of the currency
    /gateway[?fault=NAME,NAME]   the chargers' gateway does these things wrong and no others
    /signals[?source=NAME&fault=NAME]   a publisher of prices, carbon or sun does this wrong; without a fault, nothing
    /mails?to=ADDRESS            the mails sent there, oldest first, with the code in each
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from chalicelib.protocol.signals.sources import SOURCES
from local.gateway_faults import GatewayFault
from local.seed import Network
from local.signals import SignalFault
from local.stack import Stack

HOST = "127.0.0.1"
Query = Mapping[str, str]
_ON = {"1": True, "0": False}


class Control:
    """Takes its port when it is made, so that a taken one is noticed early; answers from `open` to `close`."""

    def __init__(self, stack: Stack, port: int = 0) -> None:
        """Port 0 takes any free one. Raises OSError when the port is taken."""
        self._stack = stack
        self._network: Network | None = None
        self._server = ThreadingHTTPServer((HOST, port), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="control", daemon=True)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{HOST}:{self._server.server_port}"

    def open(self, network: Network) -> None:
        """Answer from now on; whoever knocked before has waited."""
        self._network = network
        self._thread.start()

    def close(self) -> None:
        """Stop answering and give the port back."""
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str, query: Query) -> dict[str, Any]:
        """What a request is answered. Raises LookupError for what there is not, ValueError for what makes no sense."""
        answers: dict[str, Callable[[Query], dict[str, Any]]] = {
            "/info": self._info,
            "/offset": self._offset,
            "/hold": self._hold,
            "/release": self._release,
            "/events": self._events,
            "/redeliver": self._redeliver,
            "/first": self._first,
            "/min": self._min,
            "/dispute": self._dispute,
            "/fail_refund": self._fail_refund,
            "/gateway": self._gateway,
            "/signals": self._signals,
            "/mails": self._mails,
        }
        if path not in answers:
            raise LookupError(f"{path} is none of {' '.join(answers)}")
        return answers[path](query)

    def _info(self, _: Query) -> dict[str, Any]:
        network = self._network
        assert network is not None
        return {
            "stripe": self._stack.stripe.url,
            "secret": self._stack.webhook_secret,
            "op": [network.operator.email, network.operator.password],
            "driver": [network.driver.email, network.driver.password],
        }

    def _offset(self, query: Query) -> dict[str, Any]:
        self._stack.clock.offset_s = float(_given(query, "s"))
        return {"s": self._stack.clock.offset_s}

    def _hold(self, _: Query) -> dict[str, Any]:
        self._stack.stripe.hold_webhooks()
        return {}

    def _release(self, query: Query) -> dict[str, Any]:
        self._stack.stripe.release_webhooks(newest_first=query.get("newest") == "1")
        return {}

    def _events(self, query: Query) -> dict[str, Any]:
        return {"events": self._stack.stripe.events(query.get("type"))}

    def _redeliver(self, query: Query) -> dict[str, Any]:
        return {"status": self._stack.stripe.redeliver(_given(query, "id"))}

    def _first(self, query: Query) -> dict[str, Any]:
        self._stack.stripe.webhooks_come_first = _switched(query)
        return {"first": self._stack.stripe.webhooks_come_first}

    def _min(self, query: Query) -> dict[str, Any]:
        self._stack.stripe.refuses_small_amounts = _switched(query)
        return {"min": self._stack.stripe.refuses_small_amounts}

    def _dispute(self, query: Query) -> dict[str, Any]:
        return self._stack.stripe.dispute(_given(query, "payment"), _given(query, "status"))

    def _fail_refund(self, query: Query) -> dict[str, Any]:
        return self._stack.stripe.fail_refund(_given(query, "id"))

    def _gateway(self, query: Query) -> dict[str, Any]:
        faults = [GatewayFault(it) for it in query.get("fault", "").split(",") if it]
        self._stack.gateway.misbehave(*faults)
        return {"faults": faults, "all": list(GatewayFault)}

    def _signals(self, query: Query) -> dict[str, Any]:
        faults = self._stack.signals.faults
        if "source" in query:
            if query["source"] not in SOURCES:
                raise ValueError(f"{query['source']} is none of {' '.join(SOURCES)}")
            faults.pop(query["source"], None)
            if query.get("fault"):
                faults[query["source"]] = SignalFault(query["fault"])
        return {"faults": faults, "all": list(SignalFault)}

    def _mails(self, query: Query) -> dict[str, Any]:
        return {"mails": [asdict(it) for it in self._stack.mails.to(_given(query, "to"))]}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        control = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = urlsplit(self.path)
                status = HTTPStatus.OK
                try:
                    told = control.answer(asked.path, dict(parse_qsl(asked.query)))
                except LookupError as error:
                    status, told = HTTPStatus.NOT_FOUND, {"error": str(error)}
                except ValueError as error:
                    status, told = HTTPStatus.BAD_REQUEST, {"error": str(error)}
                body = json.dumps(told).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


def _given(query: Query, name: str) -> str:
    if name not in query:
        raise ValueError(f"say {name}=...")
    return query[name]


def _switched(query: Query) -> bool:
    if (said := _given(query, "on")) not in _ON:
        raise ValueError("say on=1 or on=0")
    return _ON[said]
