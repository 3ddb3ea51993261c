"""Messages of one queue sent ten a call, as SQS takes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

_MESSAGES_A_CALL = 10
T = TypeVar("T")


def send_in_batches(
    client: SQSClient, queue_url: str, entries: Sequence[SendMessageBatchRequestEntryTypeDef], unsent: str
) -> None:
    """A call for each ten entries. RuntimeError, which says that it was `unsent`, where the queue takes not all."""
    for some in some_at_a_time(entries, _MESSAGES_A_CALL):
        answer = client.send_message_batch(QueueUrl=queue_url, Entries=some)
        if failed := answer.get("Failed"):
            raise RuntimeError(f"{unsent}: {failed[0].get('Message')}")


def some_at_a_time(things: Sequence[T], number: int) -> Iterator[Sequence[T]]:
    """So many at a time, in their order."""
    return (things[first : first + number] for first in range(0, len(things), number))
