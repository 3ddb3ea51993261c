"""Operators' API keys in DynamoDB, by id; a key is kept 400 days beyond its end, so that it can be looked up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.adapters.dynamo import decode, encode, find, put, update
from chalicelib.adapters.tables import ApiKeyRow
from chalicelib.domain.access.api_keys import ApiKey
from chalicelib.records import Conflict

_ATTEMPTS = 8
_KEPT_FOR = timedelta(days=400)


class DynamoApiKeys:
    """The port ApiKeys. Methods make one call where they say nothing else."""

    def add(self, key: ApiKey) -> bool:
        row = ApiKeyRow(key.key_id, operator_id=key.operator_id, body=_body(key), expires_at=key.expires_at + _KEPT_FOR)
        return put(row, ApiKeyRow.key_id.does_not_exist())

    def get(self, key_id: str) -> ApiKey | None:
        row = find(ApiKeyRow, key_id)
        return _key(row) if row else None

    def change(self, key_id: str, change: Callable[[ApiKey], ApiKey]) -> ApiKey | None:
        """Two calls, and two more for each time that somebody else was quicker."""
        for _ in range(_ATTEMPTS):
            row = find(ApiKeyRow, key_id)
            if row is None:
                return None
            after = change(_key(row))
            if update(ApiKeyRow(key_id), [ApiKeyRow.body.set(_body(after))], ApiKeyRow.body == row.body):
                return after
        raise Conflict(f"key {key_id} is being changed by others")

    def of_operator(self, operator_id: str) -> Sequence[ApiKey]:
        return [_key(row) for row in ApiKeyRow.by_operator.query(operator_id)]

    def note_used(self, key: ApiKey, at: datetime) -> None:
        update(ApiKeyRow(key.key_id), [ApiKeyRow.used_at.set(at)], ApiKeyRow.key_id.exists())


def _body(key: ApiKey) -> str:
    return encode(replace(key, used_at=None))


def _key(row: ApiKeyRow) -> ApiKey:
    return replace(decode(ApiKey, row.body), used_at=row.used_at)
