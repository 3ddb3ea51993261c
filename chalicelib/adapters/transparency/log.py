"""The log of settled charges: its state and places in DynamoDB, its files in S3, its queue in SQS."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from chalicelib.adapters.dynamo import decode, encode, find, put
from chalicelib.adapters.tables import LogRow
from chalicelib.domain.data_classes import dataclass
from chalicelib.ports.transparency import LogForked
from chalicelib.records.transparency import Leaf, LogState, ShownCheckpoint

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_STATE, _BATCHES, _AGAIN = "state", "batches", "again"
_FOLDER = "log/"
_FOR_EVER = "public, max-age=31536000, immutable"
_A_MOMENT = "public, max-age=5"
_TAKEN = ("PreconditionFailed", "ConditionalRequestConflict")
_PAGE = 30
_ATTEMPTS = 5


@dataclass(frozen=True)
class SqsLogQueue:
    """The port LogQueue. One call; none where there is no queue, and nothing is logged."""

    client: SQSClient
    queue_url: str

    def put(self, leaf: Leaf) -> None:
        if self.queue_url:
            self.client.send_message(QueueUrl=self.queue_url, MessageBody=encode(leaf))

    def read(self, body: str) -> Leaf:
        return decode(Leaf, body)


class DynamoLog:
    """The ports LogStates and LogPlaces. Methods make one call, but `of` one for each thirty batches."""

    def get(self) -> LogState:
        row = find(LogRow, _STATE, _STATE)
        return decode(LogState, row.body) if row and row.body else LogState()

    def save(self, before: LogState, after: LogState) -> bool:
        is_first = LogRow.kind.does_not_exist()
        expected = LogRow.version == before.version if before.version else is_first
        return put(LogRow(_STATE, _STATE, body=encode(after), version=after.version), expected)

    def of(self, names: Sequence[str], since: datetime, until: datetime) -> Mapping[str, int]:
        wanted, found = set(names), dict[str, int]()
        within = LogRow.item.between(_at(since), _at(until))
        for row in LogRow.query(_BATCHES, within, consistent_read=True, page_size=_PAGE):
            for place, name in enumerate(json.loads(row.body), row.first):
                if name in wanted:
                    found.setdefault(name, place)
            if found.keys() == wanted:
                break
        return found

    def put(self, at: datetime, first: int, names: Sequence[str]) -> None:
        body = json.dumps(names, separators=(",", ":"))
        put(LogRow(_BATCHES, f"{_at(at)}#{first}", body=body, first=first))

    def brought_again(self, name: str) -> datetime | None:
        row = find(LogRow, _AGAIN, name)
        return datetime.fromisoformat(row.body) if row and row.body else None

    def note_again(self, name: str, at: datetime) -> None:
        put(LogRow(_AGAIN, name, body=at.isoformat()))


def _at(time: datetime) -> str:
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


@dataclass(frozen=True)
class S3LogFiles:
    """The port LogFiles: objects put once, and one that is replaced by whoever saw it.

    Methods make one call; to put what is there already two.
    """

    client: Any
    bucket: str

    def put_once(self, path: str, data: bytes) -> None:
        kind = {"ContentType": "application/octet-stream", "CacheControl": _FOR_EVER}
        for _ in range(_ATTEMPTS):
            if self._put(path, data, {**kind, "IfNoneMatch": "*"}):
                return
            if (there := self._get(path)) is not None:
                if there[0] != data:
                    raise LogForked(path)
                return
            # Somebody is at it this moment, and may yet fail.
        raise RuntimeError(f"{path} is written by others {_ATTEMPTS} times in a row")

    def get(self, path: str) -> bytes:
        found = self._get(path)
        if found is None:
            raise KeyError(path)
        return found[0]

    def checkpoint(self) -> ShownCheckpoint | None:
        found = self._get("checkpoint")
        return ShownCheckpoint(found[0].decode(), found[1]) if found else None

    def show(self, note: str, instead_of: ShownCheckpoint | None) -> bool:
        kind = {"ContentType": "text/plain; charset=utf-8", "CacheControl": _A_MOMENT}
        expected = {"IfMatch": instead_of.tag} if instead_of else {"IfNoneMatch": "*"}
        return self._put("checkpoint", note.encode(), {**kind, **expected})

    def _put(self, path: str, data: bytes, options: Mapping[str, Any]) -> bool:
        try:
            # A bucket that locks what it has takes nothing without a checksum.
            self.client.put_object(
                Bucket=self.bucket, Key=_FOLDER + path, Body=data, ChecksumAlgorithm="CRC32", **options
            )
        except ClientError as error:
            if error.response["Error"]["Code"] not in _TAKEN:
                raise
            return False
        return True

    def _get(self, path: str) -> tuple[bytes, str] | None:
        try:
            found = self.client.get_object(Bucket=self.bucket, Key=_FOLDER + path)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("NoSuchKey", "404"):
                raise
            return None
        return found["Body"].read(), found["ETag"]
