"""Has a demand response event reach its sites by SQS: one message finds them, one for each 25 of them reaches those."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

_SITES_A_MESSAGE = 25
_MESSAGES_A_CALL = 10


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
        told = {"operator": operator_id, "event": event_id, "rated_w": rated_w}
        bodies = [json.dumps({**told, "sites": list(some)}) for some in _by(site_ids, _SITES_A_MESSAGE)]
        for some in _by(bodies if self.queue_url else (), _MESSAGES_A_CALL):
            entries: list[SendMessageBatchRequestEntryTypeDef] = [
                {"Id": str(number), "MessageBody": body} for number, body in enumerate(some)
            ]
            answer = self.client.send_message_batch(QueueUrl=self.queue_url, Entries=entries)
            if failed := answer.get("Failed"):
                raise RuntimeError(f"sites not reached: {failed[0].get('Message')}")


def _by(things: Sequence[str], number: int) -> Iterator[Sequence[str]]:
    return (things[first : first + number] for first in range(0, len(things), number))
