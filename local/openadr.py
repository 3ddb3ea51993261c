"""A utility's OpenADR 3 server (VTN) on one machine, in both versions: what a VEN is tried and tested against.

It keeps programs, events and reports in memory, hands out tokens, and refuses what the published description of its
version does not allow, as far as `SHAPES` says. No part of Kerb calls it but over HTTP.
"""

from __future__ import annotations

import itertools
import json
import threading
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jsonschema_rs

CLIENT_ID, CLIENT_SECRET = "kerb", "at-least-a-secret"
_AS_PASSWORD = "Basic " + b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
_PERIOD = {
    "type": "object",
    "properties": {
        "start": {"type": "string"},
        "duration": {"type": "string", "pattern": r"^P(\d|T)"},
        "randomizeStart": {"type": "string", "pattern": r"^-?P(\d|T)"},
    },
}
_VALUES = {
    "type": "object",
    "required": ["type", "values"],
    "properties": {"type": {"type": "string", "minLength": 1}, "values": {"type": "array"}},
}
_INTERVAL = {
    "type": "object",
    "required": ["id", "payloads"],
    "properties": {
        "id": {"type": "integer"},
        "intervalPeriod": _PERIOD,
        "payloads": {"type": "array", "items": _VALUES},
    },
}
_RESOURCE = {
    "type": "object",
    "required": ["resourceName", "intervals"],
    "properties": {"resourceName": {"type": "string"}, "intervals": {"type": "array", "items": _INTERVAL}},
}


def _shapes(version: str) -> dict[str, Any]:
    is_old = version == "3.0.1"
    descriptor = {"type": "object", "required": ["payloadType", *([] if is_old else ["objectType"])]}
    return {
        "events": {
            "type": "object",
            "required": ["programID", *(["intervals"] if is_old else [])],
            "properties": {
                "programID": {"type": "string"},
                "intervalPeriod": {**_PERIOD, "required": ["start"] if is_old else []},
                "intervals": {"type": "array", "items": _INTERVAL},
                "targets": {"type": "array", "items": _VALUES if is_old else {"type": "string"}},
            },
        },
        "reports": {
            "type": "object",
            "required": ["eventID", "clientName", "resources", *(["programID"] if is_old else [])],
            "properties": {
                "payloadDescriptors": {"type": "array", "items": descriptor},
                "resources": {"type": "array", "items": _RESOURCE},
                **({} if is_old else {"programID": False}),
            },
        },
        "programs": {"type": "object", "required": ["programName"]},
    }


# What each version's description demands of an object that is posted, in this file's own words.
SHAPES: Mapping[str, Mapping[str, Any]] = {version: _shapes(version) for version in ("3.0.1", "3.1.0")}


class Vtn:
    """What the server has: objects by kind and id. `asked` counts requests by method and path.

    `refusal`: the status, and the Retry-After where it has one, that all paths are answered which begin so.
    """

    def __init__(self, version: str) -> None:
        self.version = version
        self.objects: dict[str, dict[str, dict[str, Any]]] = {"programs": {}, "events": {}, "reports": {}}
        self.tokens: set[str] = set()
        self.asked: list[str] = []
        self.url = ""
        self.refusal: tuple[int, str | None] | None = None
        self.refused_path = "/"
        self._numbers = itertools.count(1)

    def add(self, kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Keep an object as posted. Raises jsonschema_rs.ValidationError."""
        jsonschema_rs.validate(SHAPES[self.version][kind], body)
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        # Of a VEN's report 3.1.0 says whose it is.
        owner = {"clientID": CLIENT_ID} if kind == "reports" and self.version != "3.0.1" else {}
        made = {
            "id": f"{kind[:-1]}-{next(self._numbers)}",
            "createdDateTime": now,
            "modificationDateTime": now,
            "objectType": kind[:-1].upper(),
            **owner,
            **body,
        }
        self.objects[kind][made["id"]] = made
        return made

    def token(self) -> str:
        """A new one, good until it is taken from `tokens`."""
        made = f"token-{next(self._numbers)}"
        self.tokens.add(made)
        return made

    def found(self, kind: str, query: Mapping[str, list[str]]) -> list[dict[str, Any]]:
        """A page of objects, as their lists are asked for."""
        program = query.get("programID", [""])[0]
        listed = [it for it in list(self.objects[kind].values()) if program in ("", it.get("programID", ""))]
        skip, limit = (int(query.get(name, [str(usual)])[0]) for name, usual in (("skip", 0), ("limit", 50)))
        return listed[skip : skip + limit]


@contextmanager
def serving(version: str, port: int = 0) -> Iterator[Vtn]:
    """A server at a port of this machine, for as long as the context lasts."""
    vtn = Vtn(version)
    server = ThreadingHTTPServer(("127.0.0.1", port), _handler(vtn))
    vtn.url = f"http://127.0.0.1:{server.server_port}/openadr3/{version}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield vtn
    finally:
        server.shutdown()
        server.server_close()


def _handler(vtn: Vtn) -> type[BaseHTTPRequestHandler]:
    base = f"/openadr3/{vtn.version}"

    class Handler(BaseHTTPRequestHandler):
        """Answers one request."""

        def do_GET(self) -> None:
            self._serve("")

        def do_POST(self) -> None:
            self._serve(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())

        def do_DELETE(self) -> None:
            self._serve("")

        def log_message(self, *args: Any) -> None:
            """Nothing: tests have enough to show."""

        def _serve(self, body: str) -> None:
            parts = urlsplit(self.path)
            vtn.asked.append(f"{self.command} {parts.path.removeprefix(base)}")
            path, refusal, wait = parts.path.removeprefix(base), vtn.refusal, None
            if refusal is not None and path.startswith(vtn.refused_path):
                (status, wait), answer = refusal, {"title": "not now", "status": refusal[0]}
            else:
                status, answer = self._answer(path, parse_qs(parts.query), body)
            said = json.dumps(answer).encode()
            self.send_response(status)
            if wait is not None:
                self.send_header("Retry-After", wait)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def _answer(self, path: str, query: Mapping[str, list[str]], body: str) -> tuple[int, Any]:
            if path == "/auth/server" and vtn.version != "3.0.1":
                return 200, {"tokenURL": f"{vtn.url}/auth/token"}
            if path == "/auth/token":
                form = {name: values[0] for name, values in parse_qs(body).items()}
                in_form = (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
                # Every server takes them as a password too (RFC 6749 §2.3.1), and other clients send them so.
                is_known = in_form or self.headers.get("Authorization", "") == _AS_PASSWORD
                told = {"access_token": vtn.token(), "token_type": "Bearer", "expires_in": 3600}
                return (200, told) if is_known else (401, {"error": "invalid_client"})
            is_known = self.headers.get("Authorization", "").removeprefix("Bearer ") in vtn.tokens
            kind, _, name = path.strip("/").partition("/")
            if not is_known or kind not in vtn.objects:
                status = 404 if is_known else 401
                return status, {"title": "not there" if is_known else "no token of ours", "status": status}
            return self._of_kind(kind, name, query, body)

        def _of_kind(self, kind: str, name: str, query: Mapping[str, list[str]], body: str) -> tuple[int, Any]:
            if self.command == "POST":
                try:
                    return 201, vtn.add(kind, json.loads(body))
                except jsonschema_rs.ValidationError as error:
                    return 400, {"title": error.message, "status": 400}
            if not name:
                return 200, vtn.found(kind, query)
            known = vtn.objects[kind]
            gone = known.pop(name, None) if self.command == "DELETE" else known.get(name)
            return (200, gone) if gone is not None else (404, {"title": "not there", "status": 404})

    return Handler
