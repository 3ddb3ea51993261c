"""Has a demand response event reach its sites by SQS: one message finds them, one for each 25 of them reaches those.

By the same queue, whose messages may wait, utilities' servers are asked between one minute and the next.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from chalicelib.adapters.grid.batches import send_in_batches, some_at_a_time
from chalicelib.domain.data_classes import dataclass

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

_SITES_A_MESSAGE = 25
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SqsDemandSpread:
    """The port DemandSpread; none is called where there is no queue."""

    client: SQSClient
    queue_url: str

    def begin(self, operator_id: str, event_id: str) -> None:
        """Ask for it by one message."""
        if self.queue_url:
            body = json.dumps({"operator": operator_id, "event": event_id})
            self.client.send_message(QueueUrl=self.queue_url, MessageBody=body)

    def reach(self, operator_id: str, event_id: str, rated_w: int, site_ids: Sequence[str]) -> None:
        """A call for each 250 sites."""
        if not self.queue_url:
            return
        told = {"operator": operator_id, "event": event_id, "rated_w": rated_w}
        entries: list[SendMessageBatchRequestEntryTypeDef] = [
            {"Id": str(number), "MessageBody": json.dumps({**told, "sites": list(some)})}
            for number, some in enumerate(some_at_a_time(site_ids, _SITES_A_MESSAGE))
        ]
        send_in_batches(self.client, self.queue_url, entries, "sites not reached")


@dataclass(frozen=True)
class SqsUtilityAsks:
    """The port UtilityAsks. One call; none where there is no queue."""

    client: SQSClient
    queue_url: str

    def ask_later(self, asks: Sequence[tuple[timedelta, datetime]]) -> None:
        if not self.queue_url:
            return
        entries: list[SendMessageBatchRequestEntryTypeDef] = [
            {
                "Id": str(number),
                "MessageBody": json.dumps({"servers_until": until.isoformat()}),
                "DelaySeconds": round(after.total_seconds()),
            }
            for number, (after, until) in enumerate(asks)
        ]
        try:
            send_in_batches(self.client, self.queue_url, entries, "no later ask of servers")
        except Exception:
            # Whoever asks for later has servers to ask now.
            _log.exception("no later ask of servers")
