"""Witnesses over HTTP (C2SP tlog-witness, add-checkpoint)."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence

import urllib3

from chalicelib.domain.data_classes import dataclass
from chalicelib.ports.transparency import Unwitnessed

_CONNECT_S, _READ_S = 2, 5
_MOST_BYTES = 64_000
_OK, _CONFLICT = 200, 409


@dataclass(frozen=True)
class HttpWitness:
    """The port Witness, by the witness's submission prefix (no slash at the end) and verifier key. One request."""

    http: urllib3.PoolManager
    url: str
    key: str

    def cosign(self, note: str, old_size: int, proof: Sequence[bytes]) -> str | int:
        lines = "".join(f"{base64.b64encode(it).decode()}\n" for it in proof)
        try:
            answer = self.http.request(
                "POST",
                f"{self.url}/add-checkpoint",
                body=f"old {old_size}\n{lines}\n{note}".encode(),
                timeout=urllib3.Timeout(connect=_CONNECT_S, read=_READ_S),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            body = answer.read(_MOST_BYTES).decode()
            answer.release_conn()
        except (urllib3.exceptions.HTTPError, UnicodeDecodeError) as error:
            raise Unwitnessed(str(error)) from error
        if answer.status == _CONFLICT and re.fullmatch(r"[0-9]{1,18}", body.strip()):
            return int(body)
        if answer.status != _OK:
            raise Unwitnessed(f"{answer.status}: {body[:200]}")
        return body


def witnesses_of(setting: str) -> Sequence[HttpWitness]:
    """Those that a setting names: URL and key by a space, the next one after a comma. Raises ValueError."""
    http = urllib3.PoolManager()
    found = []
    for it in filter(None, (part.strip() for part in setting.split(","))):
        url, key = it.split()
        found.append(HttpWitness(http, url.rstrip("/"), key))
    return found
