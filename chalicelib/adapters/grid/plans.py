"""Asks for plans by SQS: 25 sites a message, each at a moment of its own in the quarter's last minute; or at once."""

from __future__ import annotations

import json
import logging
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from chalicelib.adapters.grid.batches import send_in_batches, some_at_a_time
from chalicelib.domain.data_classes import dataclass

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

_SITES_A_MESSAGE = 25
# Of the minute so much, for the last to be done within it; by the names of sites, so that each has its own.
_SPREAD_S = 40
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SqsPlans:
    """The port Plans: a call for each ten messages; none where there is no queue."""

    client: SQSClient
    url: str

    def ask_for_many(self, site_ids: Sequence[str]) -> None:
        if not self.url:
            return
        ordered = sorted(site_ids, key=_moment)
        entries: list[SendMessageBatchRequestEntryTypeDef] = [
            {"Id": str(number), "MessageBody": json.dumps({"sites": list(sites)}), "DelaySeconds": _moment(sites[0])}
            for number, sites in enumerate(some_at_a_time(ordered, _SITES_A_MESSAGE))
        ]
        send_in_batches(self.client, self.url, entries, "plans not asked for")

    def foretell(self, site_id: str, session_ids: Sequence[str]) -> None:
        """One call; none where there is no queue."""
        if not self.url:
            return
        body = json.dumps({"foretell": site_id, "sessions": list(session_ids)})
        try:
            self.client.send_message(QueueUrl=self.url, MessageBody=body)
        except Exception:
            _log.exception("no estimate asked for", extra={"site_id": site_id})


def _moment(site_id: str) -> int:
    return zlib.crc32(site_id.encode()) % _SPREAD_S
