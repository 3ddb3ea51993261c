"""Wires the adapters of one network: clock, settings, stores, links and providers, each built when first asked for."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from botocore.config import Config

from chalicelib.adapters.chargers.allowances import DynamoAllowances
from chalicelib.adapters.chargers.calls import DynamoCalls
from chalicelib.adapters.chargers.connectors import DynamoConnectors
from chalicelib.adapters.chargers.held_lists import DynamoHeldLists
from chalicelib.adapters.chargers.knocks import DynamoKnocks
from chalicelib.adapters.chargers.link import ApiGatewayLink
from chalicelib.adapters.chargers.message_log import DynamoHistory, DynamoMessageLog
from chalicelib.adapters.chargers.news import DynamoChargerNews
from chalicelib.adapters.chargers.registry import DynamoChargerPasswords, DynamoChargers, DynamoSites
from chalicelib.adapters.chargers.setups import DynamoSetups
from chalicelib.adapters.chargers.sockets import DynamoSockets
from chalicelib.adapters.client import CONNECTIONS
from chalicelib.adapters.discovery.places import DynamoPlaces
from chalicelib.adapters.operators.checks import SqsAlarmChecks
from chalicelib.adapters.tables import connection
from chalicelib.ports import Clock, NewId

if TYPE_CHECKING:
    from chalicelib.ports.chargers import ChargerLink
    from chalicelib.ports.operators import AlarmChecks

# Heartbeats prove nothing that the socket does not, and each costs two messages: they only keep it from being closed,
# as API Gateway and CloudFront do after ten silent minutes. A minute is left for one that is late (ADR 14).
HEARTBEAT_S = 540
# For an answer of AWS, which is near; every client but the tables' has them.
_CONNECT_S, _READ_S = 2, 5


def now() -> datetime:
    """The time now, aware, UTC."""
    return datetime.now(UTC)


def random_id() -> str:
    """A name nothing else has."""
    return str(uuid.uuid4())


class _Late:
    """A client that is made when it is first asked for something: few of a charger's messages ask."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = cache(make)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._make(), name)


def client(service: str, **options: Any) -> Any:
    """Speaks to an AWS service, from the first call on."""
    config = Config(
        connect_timeout=_CONNECT_S,
        read_timeout=_READ_S,
        retries={"mode": "standard", "total_max_attempts": 3},
        max_pool_connections=CONNECTIONS,
    )
    # The tables' session has read already what every service needs; it is another one in every thread.
    return _Late(lambda: connection.session.create_client(service, config=config, **options))


def prepare() -> None:
    """Make what nearly every event needs before the first: Lambda gives a starting process more of a processor."""
    _ = connection.client


class Stores:
    """Clock, settings and adapters. What is given at the beginning stands in for what would be built."""

    def __init__(
        self,
        settings: Mapping[str, str],
        *,
        clock: Clock = now,
        new_id: NewId = random_id,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
        **given: object,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.new_id = new_id
        self.sleep = sleep
        self.chance = chance
        for name, thing in given.items():
            if not isinstance(getattr(type(self), name, None), cached_property):
                raise TypeError(f"a network has no {name!r}")
            vars(self)[name] = thing

    def setting(self, name: str, default: str | None = None) -> str:
        """One setting, by its name without `KERB_`. Raises KeyError naming the setting that is missing."""
        value = self.settings.get(f"KERB_{name}", default)
        if value is None:
            raise KeyError(f"environment variable KERB_{name} is not set")
        return value

    @property
    def heartbeat_s(self) -> int:
        """How often chargers say that they are there."""
        return int(self.setting("HEARTBEAT_S", str(HEARTBEAT_S)))

    @cached_property
    def chargers(self) -> DynamoChargers:
        return DynamoChargers()

    @cached_property
    def charger_passwords(self) -> DynamoChargerPasswords:
        return DynamoChargerPasswords()

    @cached_property
    def charger_news(self) -> DynamoChargerNews:
        return DynamoChargerNews(self.clock)

    @cached_property
    def sockets(self) -> DynamoSockets:
        return DynamoSockets(self.clock)

    @cached_property
    def connectors(self) -> DynamoConnectors:
        return DynamoConnectors(self.clock)

    @cached_property
    def held_lists(self) -> DynamoHeldLists:
        return DynamoHeldLists()

    @cached_property
    def setups(self) -> DynamoSetups:
        return DynamoSetups(self.clock)

    @cached_property
    def allowances(self) -> DynamoAllowances:
        return DynamoAllowances()

    @cached_property
    def calls(self) -> DynamoCalls:
        return DynamoCalls()

    @cached_property
    def places(self) -> DynamoPlaces:
        return DynamoPlaces(self.clock)

    @cached_property
    def knocks(self) -> DynamoKnocks:
        return DynamoKnocks()

    @cached_property
    def message_log(self) -> DynamoMessageLog:
        return DynamoMessageLog(timedelta(days=int(self.setting("JOURNAL_DAYS", "30"))))

    @cached_property
    def history(self) -> DynamoHistory:
        return DynamoHistory()

    @cached_property
    def sites(self) -> DynamoSites:
        return DynamoSites()

    @cached_property
    def link(self) -> ChargerLink:
        return ApiGatewayLink(client("apigatewaymanagementapi", endpoint_url=self.setting("SOCKET_ENDPOINT")))

    @cached_property
    def viewer_link(self) -> ChargerLink:
        return ApiGatewayLink(client("apigatewaymanagementapi", endpoint_url=self.setting("LIVE_ENDPOINT")))

    @cached_property
    def alarm_checks(self) -> AlarmChecks:
        # Nobody is asked where there is no queue.
        return SqsAlarmChecks(client("sqs"), self.setting("ALARM_CHECKS_QUEUE", ""), self.clock)
