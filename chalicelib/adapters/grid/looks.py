"""Asks for looks at sites by SQS: a FIFO queue whose messages wait a second, and one whose messages wait for nothing.

What is asked within one second for one site is one message of the first: it is kept back for a second, so whatever was
written in the second of its name is there when it is looked at. The second queue drops nothing: a look that has begun
may have missed what was just written.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING

from chalicelib.adapters.grid.batches import send_in_batches, some_at_a_time
from chalicelib.domain.data_classes import dataclass
from chalicelib.ports import Clock, NewId

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

# A look takes some 20 ms where nothing is to be done, and no more than a second.
_SITES_A_MESSAGE = 25
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class SqsLooks:
    """The port Looks. One call; none where there is no queue."""

    client: SQSClient
    soon_url: str
    now_url: str
    many_url: str
    clock: Clock
    new_id: NewId

    def ask(self, site_id: str, *, at_once: bool = False) -> None:
        url = self.now_url if at_once else self.soon_url
        if not url:
            return
        name = self.new_id() if at_once else f"{site_id}#{int(self.clock().timestamp())}"
        try:
            self.client.send_message(
                QueueUrl=url,
                MessageBody=json.dumps({"sites": [site_id]}),
                MessageGroupId=site_id,
                MessageDeduplicationId=name,
            )
        except Exception:
            # Whoever noticed something has other things to do; within a minute the site is looked at in any case.
            _log.exception("no look asked for", extra={"site_id": site_id})

    def ask_later(self, site_id: str, after: timedelta) -> None:
        # A FIFO queue keeps all its messages back as long as each other.
        if not self.many_url:
            return
        try:
            self.client.send_message(
                QueueUrl=self.many_url,
                MessageBody=json.dumps({"sites": [site_id]}),
                DelaySeconds=ceil(after.total_seconds()),
            )
        except Exception:
            _log.exception("no later look asked for", extra={"site_id": site_id})

    def ask_for_many(self, site_ids: Sequence[str], *, at_once: bool = False) -> None:
        """A call for each ten messages, of 25 sites each, or of one each where it is to be done at once."""
        if at_once:
            self._ask_now(site_ids)
            return
        if not self.many_url:
            return
        entries: list[SendMessageBatchRequestEntryTypeDef] = [
            {"Id": str(number), "MessageBody": json.dumps({"sites": list(some)})}
            for number, some in enumerate(some_at_a_time(site_ids, _SITES_A_MESSAGE))
        ]
        send_in_batches(self.client, self.many_url, entries, "looks not asked for")

    def _ask_now(self, site_ids: Sequence[str]) -> None:
        if not self.now_url:
            return
        entries: list[SendMessageBatchRequestEntryTypeDef] = [
            {
                "Id": str(number),
                "MessageBody": json.dumps({"sites": [site_id]}),
                "MessageGroupId": site_id,
                "MessageDeduplicationId": self.new_id(),
            }
            for number, site_id in enumerate(site_ids)
        ]
        send_in_batches(self.client, self.now_url, entries, "looks not asked for")
