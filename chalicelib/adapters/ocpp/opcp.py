"""A contract certificate pool by the Open Plug&Charge Protocol (OPCP 1.0, ccp.v1 and rcp.v1), Hubject's say.

Its token is fetched with the client's credentials and kept in this process until shortly before it ends. Neither it nor
the credentials, nor anything that the pool says, is in a text of ours.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from chalicelib.adapters.ocpp.web import NoReply, Web, WebRequest
from chalicelib.domain.chargers.contracts import ContractRequested
from chalicelib.domain.data_classes import dataclass, field, replace
from chalicelib.ports import Clock
from chalicelib.records.ocpp import ContractUnavailable, ProvidedContract

# For all that one question takes, a new token and a second try included: far below what a charger waits.
_MOST_S = 12.0
_MOST_BYTES = 1024**2
_SOONER = timedelta(minutes=1)
_LIFETIME_S = 3600
_GOOD, _UNAUTHORISED = 200, 401
# What ends a contract's chain: a mobility operator's own root, or the V2G root that its sub-CA is under.
_ROOTS_OF_CONTRACTS = ("MO", "V2G")


@dataclass
class _Bearer:
    token: str = field(default="", repr=False)
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class OpcpPool:
    """The port ContractProvider. One request for a contract, and one more for a token in each process and its lifetime.

    `keys` are client_id and client_secret; the audience is the pool's own address where they name none.
    """

    address: str
    token_url: str
    keys: Callable[[], Mapping[str, str]] = field(repr=False)
    web: Web
    clock: Clock
    _bearer: _Bearer = field(default_factory=_Bearer, repr=False)

    def contracts(self, asked: ContractRequested) -> Sequence[ProvidedContract]:
        """ccp.v1 getSignedContractData: POST /v1/ccp/signedContractData, as it is for an update too."""
        said = {"certificateInstallationReq": asked.exi, "xsdMsgDefNamespace": asked.schema}
        told = self._asked("POST", "/v1/ccp/signedContractData", said)
        found = [_contract(it) for it in _list(_object(told.get("CCPResponse")).get("emaidContent"))]
        contracts = [it for it in found if it is not None]
        if not contracts:
            raise ContractUnavailable("no contract")
        return contracts

    def roots(self) -> Sequence[str]:
        """rcp.v1 getAllRootCerts: GET /v1/root/rootCerts."""
        told = self._asked("GET", "/v1/root/rootCerts", None)
        pool = _object(told.get("RootCertificateCollection"))
        listed = [_object(it) for it in _list(pool.get("rootCertificates"))]
        return [
            str(it["caCertificate"])
            for it in listed
            if it.get("rootType") in _ROOTS_OF_CONTRACTS and isinstance(it.get("caCertificate"), str)
        ]

    def _asked(self, method: str, path: str, said: Mapping[str, str] | None) -> Mapping[str, Any]:
        until_s = self.web.seconds() + _MOST_S
        status, told = self._sent(method, path, said, until_s)
        if status == _UNAUTHORISED:
            # Taken back before its time.
            self._bearer.until = None
            status, told = self._sent(method, path, said, until_s)
        if status != _GOOD:
            raise ContractUnavailable(f"provider: HTTP {status}")
        return told

    def _sent(
        self, method: str, path: str, said: Mapping[str, str] | None, until_s: float
    ) -> tuple[int, Mapping[str, Any]]:
        headers = {"Authorization": f"Bearer {self._token(until_s)}"}
        request = self._request(method, self.address.rstrip("/") + path, said, until_s)
        return self._told(replace(request, headers={**request.headers, **headers}))

    def _token(self, until_s: float) -> str:
        now, known = self.clock(), self._bearer
        if known.until is not None and now < known.until:
            return known.token
        keys = self.keys()
        said = {
            "grant_type": "client_credentials",
            "client_id": keys.get("client_id", ""),
            "client_secret": keys.get("client_secret", ""),
            "audience": keys.get("audience") or self.address.rstrip("/"),
        }
        status, told = self._told(self._request("POST", self.token_url, said, until_s))
        token, lifetime_s = told.get("access_token"), told.get("expires_in")
        if status != _GOOD or not isinstance(token, str) or not token:
            raise ContractUnavailable("provider: no token")
        seconds = lifetime_s if isinstance(lifetime_s, int) and lifetime_s > 0 else _LIFETIME_S
        known.token, known.until = token, now + timedelta(seconds=seconds) - _SOONER
        return token

    def _request(self, method: str, url: str, said: Mapping[str, str] | None, until_s: float) -> WebRequest:
        if not url.startswith("https://") and not self.web.may_be_inside:
            # Credentials would be read by whoever stands between.
            raise ContractUnavailable("provider: no https")
        most_s = until_s - self.web.seconds()
        if most_s <= 0:
            raise ContractUnavailable("no answer in time")
        headers = {"Accept": "application/json"} | ({"Content-Type": "application/json"} if said is not None else {})
        body = json.dumps(said).encode() if said is not None else None
        return WebRequest(method=method, url=url, headers=headers, body=body, most_bytes=_MOST_BYTES, most_s=most_s)

    def _told(self, request: WebRequest) -> tuple[int, Mapping[str, Any]]:
        try:
            status, text = self.web.asked(request)
        except NoReply as error:
            raise ContractUnavailable(str(error)) from None
        try:
            return status, _object(json.loads(text))
        except (ValueError, RecursionError):
            return status, {}


def keys_of(text: str) -> Mapping[str, str]:
    """What the setting of the provider's keys says: a JSON object of texts. Raises ValueError."""
    told = json.loads(text) if text else {}
    if not isinstance(told, dict) or not all(isinstance(it, str) for it in told.values()):
        raise ValueError("the keys of a contract provider are a JSON object of texts")
    return told


def _contract(said: object) -> ProvidedContract | None:
    told = _object(_object(said).get("messageDef"))
    exi, emaid = told.get("certificateInstallationRes"), told.get("emaid", "")
    if not isinstance(exi, str) or not exi or not isinstance(emaid, str):
        return None
    return ProvidedContract(emaid=emaid, exi=exi)


def _object(said: object) -> Mapping[str, Any]:
    return said if isinstance(said, dict) else {}


def _list(said: object) -> Sequence[object]:
    return said if isinstance(said, list) else ()
