"""Signs the tables' calls by AWS Signature Version 4, letter for letter as botocore does, in a fifth of its time.

Botocore reads a request's headers four times over, prepares the request twice more to see its body, and derives the
day's key anew for each call. All calls of the tables are alike (a POST of bytes to one path, no query), and the key
stays the same for a day. What is not of that kind is signed by botocore.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from urllib.parse import urlsplit

from botocore.auth import AUTH_TYPE_MAPS, SIGNED_HEADERS_BLACKLIST, SIGV4_TIMESTAMP, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import get_current_datetime
from botocore.credentials import Credentials, ReadOnlyCredentials

# What a client's setting calls it.
SIGNATURE = "kerb-v4"
_ALGORITHM = "AWS4-HMAC-SHA256"
# With one of these a request was signed before, has a date of its own, or says what its body's checksum is.
_UNUSUAL = ("authorization", "date", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256")
_KEYS = 2


@lru_cache(_KEYS)
def _key(secret: str, day: str, region: str, service: str) -> bytes:
    """What signs all requests of a day: https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html."""
    key = f"AWS4{secret}".encode()
    for text in (day, region, service, "aws4_request"):
        key = hmac.digest(key, text.encode(), "sha256")
    return key


@lru_cache(_KEYS)
def _host(url: str) -> str | None:
    """The host to sign for a URL of the plainest kind; None for any other."""
    parts = urlsplit(url)
    is_plain = parts.scheme == "https" and parts.path == "/" and not parts.query and parts.port is None
    return parts.hostname if is_plain else None


class TablesSignature(SigV4Auth):
    """Botocore's signature of one request, made at once where the request is as all of the tables' are."""

    def __init__(self, credentials: Credentials | ReadOnlyCredentials, service_name: str, region_name: str) -> None:
        super().__init__(credentials, service_name, region_name)
        self._scope = (region_name, service_name)

    def add_auth(self, request: AWSRequest) -> None:
        """Sign it, as of now. Raises NoCredentialsError."""
        host, body = _host(request.url), request.data
        signed = {name.lower(): value for name, value in request.headers.items()}
        if (
            self.credentials is None
            or host is None
            or request.method != "POST"
            or request.params
            or not body
            or not isinstance(body, bytes)
            or not request.context.get("payload_signing_enabled", True)
            or len(signed) != len(request.headers)
            or any(name in signed for name in _UNUSUAL)
            or "checksum" in request.context
        ):
            super().add_auth(request)
            return
        moment = get_current_datetime().strftime(SIGV4_TIMESTAMP)
        added = {"X-Amz-Date": moment}
        if self.credentials.token:
            added["X-Amz-Security-Token"] = self.credentials.token
        signed |= {name.lower(): value for name, value in added.items()}
        signed.setdefault("host", host)
        added["Authorization"] = self._authorization(signed, body, moment)
        request.context["timestamp"] = moment
        for name, value in added.items():
            request.headers[name] = value

    def _authorization(self, headers: Mapping[str, str], body: bytes, moment: str) -> str:
        names = sorted(headers.keys() - SIGNED_HEADERS_BLACKLIST)
        listed = ";".join(names)
        said = "\n".join(f"{name}:{' '.join(headers[name].split())}" for name in names)
        canonical = f"POST\n/\n\n{said}\n\n{listed}\n{sha256(body).hexdigest()}"
        day, credentials = moment[:8], self.credentials
        scope = "/".join((day, *self._scope, "aws4_request"))
        to_sign = f"{_ALGORITHM}\n{moment}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
        key = _key(credentials.secret_key, day, *self._scope)
        signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
        return (
            f"{_ALGORITHM} Credential={credentials.access_key}/{scope}, SignedHeaders={listed}, Signature={signature}"
        )


AUTH_TYPE_MAPS[SIGNATURE] = TablesSignature
