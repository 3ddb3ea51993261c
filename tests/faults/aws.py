"""Beneath botocore lie moto's tables without HTTP (far faster), the engine's workflows, and the chargers' sockets."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore import xform_name
from botocore.client import BaseClient
from botocore.exceptions import ClientError, ReadTimeoutError
from moto import mock_aws
from moto.core.exceptions import JsonRESTError
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.responses import DynamoHandler

from infrastructure.tables import create_tables
from tests.faults.injector import Injector

ACCOUNT, REGION = "123456789012", "us-east-1"
Rows = dict[str, Any]


class Refused(Exception):
    """A service other than DynamoDB says no; the class is `code` of the client's exceptions."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Tables:
    """All tables of an account; their rows can be put aside and brought back."""

    def __init__(self) -> None:
        self._handler = DynamoHandler()
        self._handler.region = REGION
        self._handler.current_account = ACCOUNT
        self._tables: Any = dynamodb_backends[ACCOUNT][REGION].tables

    def call(self, operation: str, params: dict[str, Any]) -> Any:
        """One operation, as botocore would parse its answer. Raises ClientError."""
        handler: Any = self._handler
        handler.body = handler.params = params
        try:
            return getattr(handler, xform_name(operation))()._result
        except JsonRESTError as error:
            raise _client_error(error, operation) from None

    def rows(self) -> Rows:
        """All there is."""
        return {name: copy.deepcopy(table.items) for name, table in self._tables.items()}

    def restore(self, rows: Rows) -> None:
        """Forget all that is not in `rows`."""
        for name, table in self._tables.items():
            table.items = copy.deepcopy(rows[name])


def _client_error(error: JsonRESTError, operation: str) -> ClientError:
    said = json.loads(error.description)
    code = str(said["__type"]).rpartition("#")[2]
    response: Any = {"Error": {"Code": code, "Message": said.get("message") or said.get("Message") or ""}, **said}
    return ClientError(response, operation)


Routes = Mapping[str, Callable[[str, dict[str, Any]], Any]]


@contextmanager
def account(injector: Callable[[], Injector], routes: Routes) -> Iterator[Tables]:
    """An AWS account; `routes` answer for the services that are not DynamoDB."""
    base: Any = BaseClient
    original = base._make_api_call
    with mock_aws():
        create_tables()
        tables = Tables()

        def make_api_call(client: Any, operation: str, params: dict[str, Any]) -> Any:
            service = client.meta.service_model.service_name
            call = routes.get(service, tables.call)

            def made() -> Any:
                try:
                    return call(operation, params)
                except Refused as error:
                    kind = client.exceptions.from_code(error.code)
                    raise kind({"Error": {"Code": error.code, "Message": ""}}, operation) from None

            name = f"{operation} {_what(params)}"
            return injector().through(name, made, lambda: ReadTimeoutError(endpoint_url=name))

        base._make_api_call = make_api_call
        try:
            yield tables
        finally:
            base._make_api_call = original


def _what(params: dict[str, Any]) -> str:
    table = params.get("TableName") or ",".join(params.get("RequestItems") or ())
    return f"{table.removeprefix('kerb-')} {params.get('IndexName', '')}".strip()
