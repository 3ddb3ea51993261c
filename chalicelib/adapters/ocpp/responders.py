"""OCSP responders on the open internet (RFC 6960 appendix A), and what they said, remembered among the tokens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from chalicelib.adapters.dynamo import put, update_and_read
from chalicelib.adapters.ocpp.web import NoReply, Web, WebRequest
from chalicelib.adapters.tables import TokenRow
from chalicelib.domain.data_classes import dataclass
from chalicelib.records.ocpp import ResponderUnavailable

# A charger takes 18,000 signs of base64 at the most.
_MOST_BYTES = 14_000
_MOST_S = 5.0
_GOOD = 200
_NAMES = "certificates/"
_COUNTS_KEPT = timedelta(hours=2)


@dataclass(frozen=True)
class WebResponders:
    """The port Responders: one request for each question."""

    web: Web

    def ask(self, url: str, question: bytes) -> bytes:
        """Posts it: a question in the address may be kept by whoever stands between."""
        headers = {"Content-Type": "application/ocsp-request", "Accept": "application/ocsp-response"}
        request = WebRequest(
            method="POST", url=url, headers=headers, body=question, most_bytes=_MOST_BYTES, most_s=_MOST_S
        )
        try:
            status, told = self.web.asked(request)
        except NoReply as error:
            raise ResponderUnavailable(str(error)) from None
        if status != _GOOD:
            raise ResponderUnavailable(f"responder: HTTP {status}")
        return told


class DynamoCertificateMemory:
    """The port CertificateMemory: rows of the tokens' table, under names that no token has. One call each."""

    def known(self, names: Iterable[str], at: datetime) -> Mapping[str, str]:
        keys = [_NAMES + it for it in dict.fromkeys(names)]
        if not keys:
            return {}
        return {
            row.uid.removeprefix(_NAMES): row.body
            for row in TokenRow.batch_get(keys)
            if row.body is not None and row.expires_at is not None and row.expires_at > at
        }

    def remember(self, name: str, said: str, until: datetime) -> None:
        put(TokenRow(_NAMES + name, body=said, expires_at=until))

    def count(self, charger_id: str, at: datetime) -> int:
        row = TokenRow(f"{_NAMES}asked/{charger_id}/{at.astimezone(UTC):%Y%m%d%H}")
        update_and_read(row, [TokenRow.misses.add(1), TokenRow.expires_at.set(at + _COUNTS_KEPT)])
        return row.misses or 0
