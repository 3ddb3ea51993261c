"""The one client that all tables share: botocore's, as lean as its public settings and components make it.

Of what botocore spent on a call, a sixth went into writing its own name twice, as much again, where an item comes
back, into looking for each of an attribute's ten possible types, a fifth into working out anew for each call which host
it goes to, and a quarter into its signature. What is sent and tried again is botocore's.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import botocore
import msgspec
from botocore.config import Config
from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader
from botocore.parsers import ResponseParser, ResponseParserFactory
from botocore.session import Session
from pynamodb.connection import Connection
from pynamodb.connection._botocore_private import BotocoreBaseClientPrivate

from chalicelib.adapters.signature import SIGNATURE

_CONNECT_S, _READ_S, _ATTEMPTS = 2, 5, 3
# As many as threads of ours may call at once (`services/at_once.py`).
CONNECTIONS = 25
_PARSERS, _MODELS = "response_parser_factory", "data_loader"
_RULES = "endpoint-rule-set-1"
# Answers that are items and their counts: in DynamoDB's own JSON, as PynamoDB and we read them.
_ITEMS = frozenset(
    f"{operation}Output"
    for operation in (
        "GetItem",
        "PutItem",
        "UpdateItem",
        "DeleteItem",
        "Query",
        "Scan",
        "BatchGetItem",
        "BatchWriteItem",
        "TransactWriteItems",
    )
)
_OK = 200


class Answers:
    """Parses a DynamoDB answer that holds items as the JSON it is; all others, and errors, as botocore does.

    No table of ours has binary attributes, the only ones whose JSON is not their value.
    """

    def __init__(self, parser: ResponseParser) -> None:
        self._parser = parser

    def parse(self, response: Mapping[str, Any], shape: Any) -> Any:
        """The answer as a client gives it to its caller."""
        if shape is None or shape.name not in _ITEMS or response["status_code"] != _OK:
            return self._parser.parse(response, shape)
        found = msgspec.json.decode(response["body"] or b"{}")
        headers = {name.lower(): value for name, value in response["headers"].items()}
        found["ResponseMetadata"] = {
            "RequestId": headers.get("x-amzn-requestid", ""),
            "HTTPStatusCode": _OK,
            "HTTPHeaders": headers,
        }
        return found


class AnswersFactory(ResponseParserFactory):
    """Makes the parsers of a session: one for each protocol, and not one for each call."""

    def __init__(self) -> None:
        super().__init__()
        self._made = cache(super().create_parser)

    def create_parser(self, protocol_name: str) -> Any:
        """The parser for that protocol."""
        return Answers(self._made(protocol_name))


class ModelsWithoutRules:
    """Botocore's models of the services, without the rules by which each call's endpoint is worked out.

    Botocore then takes the endpoint of the region, known once and for all, as it does for services that have no rules:
    the host that the rules come to for DynamoDB too, unless the credentials name their account (Lambda's do not).
    """

    def __init__(self, models: Loader) -> None:
        self._models = models

    def __getattr__(self, name: str) -> Any:
        return getattr(self._models, name)

    def load_service_model(self, service_name: str, type_name: str, api_version: str | None = None) -> Any:
        """The model of that type. Raises UnknownServiceError for the rules."""
        if type_name == _RULES:
            raise UnknownServiceError(service_name=service_name, known_service_names="")
        return self._models.load_service_model(service_name, type_name, api_version)


class TablesConnection(Connection):
    """PynamoDB's connection of all tables, over a client that is made when it is first needed."""

    @property
    def client(self) -> BotocoreBaseClientPrivate:
        """The client; made anew while there were no credentials when it was made."""
        known = self._client
        if known is None or (known._request_signer and not known._request_signer._credentials):
            known = self._client = self._made_client()
        return known

    def _made_client(self) -> Any:
        config = Config(
            # What is asked is written here and nowhere else, and DynamoDB looks at it once more.
            parameter_validation=False,
            connect_timeout=_CONNECT_S,
            read_timeout=_READ_S,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            max_pool_connections=CONNECTIONS,
            user_agent=f"kerb botocore/{botocore.__version__}",
            signature_version=SIGNATURE,
        )
        session: Session = self.session
        models: Loader = session.get_component(_MODELS)
        usual = {_PARSERS: session.get_component(_PARSERS), _MODELS: models}
        session.register_component(_PARSERS, AnswersFactory())
        session.register_component(_MODELS, ModelsWithoutRules(models))
        try:
            return session.create_client("dynamodb", self.region, endpoint_url=self.host, config=config)
        finally:
            # Clients of other services are made of this session too.
            for name, component in usual.items():
                session.register_component(name, component)

    def dispatch(self, operation_name: str, operation_kwargs: dict[str, Any]) -> Any:
        """Make a call; nobody listens for signals, or asks what it cost. Raises VerboseClientError, BotoCoreError."""
        return self._make_api_call(operation_name, operation_kwargs)
