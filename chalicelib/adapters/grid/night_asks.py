"""Asks by SQS for cars' nights to be planned, at once, or gone on with, ten cars a message."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from chalicelib.adapters.grid.batches import send_in_batches, some_at_a_time
from chalicelib.domain.data_classes import dataclass

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

_CARS_A_MESSAGE = 10


@dataclass(frozen=True)
class SqsNightAsks:
    """The port NightAsks: no call where there is no queue."""

    client: SQSClient
    url: str

    def plan(self, vehicle_id: str) -> None:
        """One call, and no delay: whoever has plugged a car in waits."""
        if self.url:
            self.client.send_message(QueueUrl=self.url, MessageBody=json.dumps({"cars": [vehicle_id]}))

    def go_on_with(self, vehicle_ids: Sequence[str]) -> None:
        """A call for each hundred."""
        if not self.url or not vehicle_ids:
            return
        entries: list[SendMessageBatchRequestEntryTypeDef] = [
            {"Id": str(number), "MessageBody": json.dumps({"due_cars": list(some)})}
            for number, some in enumerate(some_at_a_time(vehicle_ids, _CARS_A_MESSAGE))
        ]
        send_in_batches(self.client, self.url, entries, "cars' nights not gone on with")
