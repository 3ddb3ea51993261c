"""Beneath botocore lie moto's tables without HTTP (far faster), the engine's workflows, and the chargers' sockets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import ReadTimeoutError

from tests import tables as tables_of
from tests.faults.injector import Injector
from tests.tables import Tables


class Refused(Exception):
    """A service other than DynamoDB says no; the class is `code` of the client's exceptions."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


Routes = Mapping[str, Callable[[str, dict[str, Any]], Any]]


@contextmanager
def account(injector: Callable[[], Injector], routes: Routes) -> Iterator[Tables]:
    """An AWS account; `routes` answer for the services that are not DynamoDB."""
    base: Any = BaseClient
    original = base._make_api_call
    with tables_of.account():
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
