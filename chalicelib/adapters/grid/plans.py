"""Asks for plans by SQS: 25 sites a message, each message at a moment of its own in the quarter's last minute."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.adapters.grid.batches import send_in_batches, some_at_a_time

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

_SITES_A_MESSAGE = 25
# Of the minute so much, for the last to be done within it; by the names of sites, so that each has its own.
_SPREAD_S = 40


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


def _moment(site_id: str) -> int:
    return zlib.crc32(site_id.encode()) % _SPREAD_S
