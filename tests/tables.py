"""Kerb's tables in a moto account: made once a process, empty for each test, reached without HTTP where that is enough.

Making 22 tables takes half a second of processor time, a copy of empty ones three milliseconds.
"""

from __future__ import annotations

import copy
import json
import pickle
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from botocore import xform_name
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core.exceptions import JsonRESTError
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.responses import DynamoHandler

from infrastructure.tables import create_tables
from local.moto_expressions import make_moto_read_once
from local.moto_fixes import make_botocore_read_once, make_moto_seal_soon, make_moto_thread_safe, reach_moto_directly
from local.moto_tables import make_moto_begin_soon, make_moto_measure_soon
from tests import second_store

ACCOUNT, REGION = "123456789012", "us-east-1"
Rows = dict[str, Any]


@cache
def _empty() -> bytes:
    """All tables as they were made; read back from bytes they are others in a quarter of a copy's time."""
    with mock_aws():
        create_tables()
        return pickle.dumps(dynamodb_backends[ACCOUNT][REGION].tables)


@contextmanager
def account() -> Iterator[None]:
    """An AWS account with all tables, empty, gone afterwards; its DynamoDB is another's if the environment says so."""
    if second_store.ADDRESS:
        with mock_aws(), second_store.account():
            yield
        return
    make_moto_thread_safe()
    make_moto_read_once()
    make_moto_measure_soon()
    make_moto_begin_soon()
    make_moto_seal_soon()
    make_botocore_read_once()
    reach_moto_directly()
    made = _empty()
    with mock_aws():
        dynamodb_backends[ACCOUNT][REGION].tables = pickle.loads(made)
        yield


class Tables:
    """The tables of the account that is open; their rows can be put aside and brought back."""

    def __init__(self) -> None:
        self._handler = DynamoHandler()
        self._handler.region = REGION
        self._handler.current_account = ACCOUNT
        self._tables: Any = dynamodb_backends[ACCOUNT][REGION].tables
        self._one_at_a_time = threading.RLock()

    def call(self, operation: str, params: dict[str, Any]) -> Any:
        """One operation, as botocore would parse its answer. Raises ClientError."""
        handler: Any = self._handler
        with self._one_at_a_time:
            handler.body = handler.params = params
            try:
                return getattr(handler, xform_name(operation))()._result
            except JsonRESTError as error:
                raise _client_error(error, operation) from None

    def rows(self, names: Iterable[str] | None = None) -> Rows:
        """All there is, or all of these tables."""
        return {
            name: copy.deepcopy(self._tables[name].items) for name in (names if names is not None else self._tables)
        }

    def restore_table(self, name: str, rows: Any) -> None:
        """Forget all of one table that is not in `rows`."""
        self._tables[name].items = copy.deepcopy(rows)

    def restore(self, rows: Rows) -> None:
        """Forget all that is not in `rows`."""
        for name, table in self._tables.items():
            table.items = copy.deepcopy(rows[name])


def _client_error(error: JsonRESTError, operation: str) -> ClientError:
    said = json.loads(error.description)
    code = str(said["__type"]).rpartition("#")[2]
    response: Any = {"Error": {"Code": code, "Message": said.get("message") or said.get("Message") or ""}, **said}
    return ClientError(response, operation)


@contextmanager
def without_http() -> Iterator[None]:
    """DynamoDB's clients reach the open account's tables by a call; what others are asked takes its usual way."""
    base: Any = BaseClient
    original = base._make_api_call
    tables = Tables()

    def make_api_call(client: Any, operation: str, params: dict[str, Any]) -> Any:
        if client.meta.service_model.service_name == "dynamodb":
            return tables.call(operation, params)
        return original(client, operation, params)

    base._make_api_call = make_api_call
    try:
        yield
    finally:
        base._make_api_call = original
