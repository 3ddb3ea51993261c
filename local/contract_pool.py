"""A contract certificate pool on this machine: OPCP's wire shapes, contracts issued as they are asked for, and OCSP.

EXI is opaque to whoever passes it on, so that what stands for it here is JSON in base64: a car's request names the car
(`pcid`), its answer brings eMAID, chain and key. A true car could read neither.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives import serialization

from local.contract_authority import Certified, ContractAuthority

HOST = "127.0.0.1"
CLIENT_ID, CLIENT_SECRET = "local-pool-client", "local-pool-secret"
SCHEMA = "urn:iso:15118:2:2013:MsgDef"


class PoolFault(StrEnum):
    """What a pool can do wrong."""

    DOWN = "down"
    SILENT = "silent"
    GARBAGE = "garbage"
    ENDLESS = "endless"
    ELSEWHERE = "elsewhere"


_DEMO = re.compile(r"DEMO\d*(\d{8})")


class ContractPool:
    """Takes any free port when it is made, answers from `start` to `stop`.

    `contracts` are the eMAIDs of each car, the default first; a car called `DEMO` and eight digits or more has one
    of its own without being named. `asked` counts requests by path; `invalid` are those that
    OPCP does not have. `fault` is what it does wrong, `responder_fault` what its OCSP responder does.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.contracts: dict[str, list[str]] = {}
        self.asked: list[str] = []
        self.invalid: list[str] = []
        self.fault: PoolFault | None = None
        self.responder_fault: PoolFault | None = None
        self.issued: dict[str, Certified] = {}
        self._tokens: set[str] = set()
        self._over = threading.Event()
        self._server = ThreadingHTTPServer((HOST, 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="contracts", daemon=True)
        self.authority = ContractAuthority(clock, f"{self.base}/ocsp")

    @property
    def base(self) -> str:
        """Where it answers."""
        return f"http://{HOST}:{self._server.server_port}"

    @property
    def settings(self) -> dict[str, str]:
        """The app's settings that lead here."""
        return {
            "KERB_CONTRACT_PROVIDER": self.base,
            "KERB_CONTRACT_TOKEN_URL": f"{self.base}/oauth/token",
            "KERB_CONTRACT_KEYS": json.dumps({"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}),
        }

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering and give the port back."""
        self._over.set()
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()

    def take_tokens_back(self) -> None:
        """No token that was given is good any more."""
        self._tokens.clear()

    def answer(self, method: str, path: str, token: str, body: bytes) -> tuple[int, bytes]:
        """Status and body."""
        self.asked.append(f"{method} {path}")
        if (method, path) == ("POST", "/ocsp"):
            return 200, self.authority.answer(body)
        try:
            said = json.loads(body or b"null")
        except ValueError:
            said = None
        status, told = self._opcp(method, path, token, said)
        if status in (400, 404):
            self.invalid.append(f"{method} {path}: {status}")
        return status, json.dumps(told).encode()

    def _opcp(self, method: str, path: str, token: str, said: Any) -> tuple[int, Mapping[str, Any]]:
        if (method, path) == ("POST", "/oauth/token"):
            return self._token(said)
        if token not in self._tokens:
            return 401, {}
        match method, path, said:
            case "GET", "/v1/root/rootCerts", _:
                root = {"rootCertificateId": "1", "rootType": "MO", "caCertificate": self.authority.root.der}
                return 200, {"RootCertificateCollection": {"rootCertificates": [root]}}
            case "POST", "/v1/ccp/signedContractData", {
                "certificateInstallationReq": str(exi),
                "xsdMsgDefNamespace": str(),
            }:
                return self._contracts(exi)
        return (404 if path not in ("/v1/ccp/signedContractData",) else 400), {"errorMessages": ["no such request"]}

    def _token(self, said: Any) -> tuple[int, Mapping[str, Any]]:
        wanted = {
            "grant_type": "client_credentials",
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "audience": self.base,
        }
        if said != wanted:
            return 401, {"error": "access_denied", "error_description": "Unauthorized"}
        token = secrets.token_urlsafe(24)
        self._tokens.add(token)
        return 200, {"access_token": token, "expires_in": 86_400, "token_type": "Bearer", "scope": "ccpservice"}

    def _contracts(self, exi: str) -> tuple[int, Mapping[str, Any]]:
        try:
            pcid = str(json.loads(base64.b64decode(exi))["pcid"])
        except (ValueError, KeyError, TypeError):
            return 400, {"errorMessages": ["no certificateInstallationReq"]}
        emaids = self.contracts.get(pcid) or _of_demo(pcid)
        if not emaids:
            return 404, {"errorMessages": ["no contract for this car"]}
        told = [{"messageDef": {"certificateInstallationRes": self._installed(it), "emaid": it}} for it in emaids]
        return 200, {"CCPResponse": {"emaidContent": told}, "xsdMsgDefNamespace": SCHEMA}

    def _installed(self, emaid: str) -> str:
        contract = self.issued[emaid] = self.authority.contract(emaid)
        key = contract.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        told = {"emaid": emaid, "chain": self.authority.chain(contract), "key": key.decode()}
        return base64.b64encode(json.dumps(told).encode()).decode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        pool = self

        class Handler(BaseHTTPRequestHandler):
            """Answers requests, or does what its pool does wrong."""

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                fault = pool.responder_fault if self.path == "/ocsp" else pool.fault
                if fault is PoolFault.SILENT:
                    pool._over.wait()
                    return
                token = self.headers.get("Authorization", "").removeprefix("Bearer ")
                status, told = pool.answer(self.command, self.path, token, body)
                more: dict[str, str] = {}
                if fault is PoolFault.DOWN:
                    status, told = 503, b"{}"
                elif fault is PoolFault.GARBAGE:
                    told = b"\x00<html>"
                elif fault is PoolFault.ENDLESS:
                    told = b" " * 4 * 1024**2
                elif fault is PoolFault.ELSEWHERE:
                    status, more = 302, {"Location": f"{pool.base}/elsewhere"}
                self.send_response(status)
                for name, value in more.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                try:
                    self.wfile.write(told)
                except OSError:
                    """Whoever asked has heard enough."""

            do_GET = do_POST = _serve  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:
                """Nothing is written about what was asked."""

        return Handler


def _of_demo(pcid: str) -> list[str]:
    demo = _DEMO.fullmatch(pcid)
    return [f"DE8AAC{demo[1]}"] if demo else []
