"""One run: a network whose clock only events move, and whose Lambdas are all called through the injector."""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from random import Random
from typing import Any
from unittest.mock import patch

import stripe

from chalicelib import wiring
from chalicelib.adapters.dynamo import decode
from chalicelib.adapters.tables import SessionRow
from chalicelib.domain.charging.session import Session, State
from chalicelib.handlers.schedules import do_parts
from chalicelib.records.chargers import Connection
from chalicelib.records.money import PaymentNews
from chalicelib.services.access import NotFound, Refusal
from infrastructure.workflow import definition
from tests.faults.aws import Refused, account
from tests.faults.charger import Stub
from tests.faults.engine import Engine, Failed
from tests.faults.injector import Injector, Killed, Seen
from tests.faults.provider import Provider
from tests.tables import Rows, Tables

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
_MACHINE = definition(lambda name: name)


class Unreachable(Exception):
    """A call of a Lambda that did not get through, or whose answer did not."""


class World:
    """Clock, agenda, and everybody who is not Kerb."""

    def __init__(self, injector: Injector, seed: int = 0) -> None:
        self.injector = injector
        self.random = Random(seed)
        # Apart, so that what else a seed brings about stays as it was.
        self.turns = Random(seed)
        self.chance = Random(seed)
        self.is_rough = bool(seed)
        self.time = NOON
        self._agenda: list[tuple[datetime, int, Callable[[], None]]] = []
        self._order = count()
        self._ids = count(1)
        self.engine = Engine(self, _MACHINE, self._step)
        self.provider = Provider(self.now, self._webhook)
        self.untold = 0
        self.chargers: dict[str, Stub] = {}
        self.is_patient = True
        self.refused: list[str] = []
        self.told_early: list[str] = []
        self.sessions: list[str] = []
        self.identities: set[str] = set()
        self.done_at: datetime | None = None
        injector.meanwhile = self._meanwhile

    # Time.

    def now(self) -> datetime:
        return self.time

    def new_id(self) -> str:
        return f"id-{next(self._ids)}"

    def after(self, seconds: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (self.time + timedelta(seconds=seconds), next(self._order), what))

    def run_until(self, at: datetime) -> None:
        """Let happen what is due by then."""
        while self._agenda and self._agenda[0][0] <= at:
            due, _, what = heapq.heappop(self._agenda)
            self.time = max(self.time, due)
            what()
        self.time = max(self.time, at)

    def _meanwhile(self, seconds: float) -> None:
        within, self.injector.within = self.injector.within, ""
        self.run_until(self.time + timedelta(seconds=seconds))
        self.injector.within = within

    # Lambdas.

    def invoke(self, name: str, work: Callable[[], Any]) -> Any:
        """Call a Lambda and return its answer. Raises Failed with the name of what went wrong."""
        before = self.injector.within

        def inside() -> Any:
            self.injector.within = name
            return work()

        try:
            return self.injector.through(f"-> {name}", inside, Unreachable)
        except Killed:
            raise Failed("Lambda.Unknown", "killed") from None
        except (Refusal, NotFound) as error:
            raise Failed("Refusal", str(error)) from None
        except AssertionError:
            raise
        except Exception as error:
            raise Failed(type(error).__name__, str(error)) from error
        finally:
            self.injector.within = before

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Look at what there is without calling anything."""
        armed, self.injector.armed = self.injector.armed, False
        try:
            yield
        finally:
            self.injector.armed = armed

    def _step(self, name: str, event: dict[str, Any]) -> Any:
        lifecycle = wiring.network().lifecycle
        work: Callable[[], Any]
        if name == "abort":
            error = event.get("error") or {}
            work = lambda: lifecycle.abort(event["session_id"], error.get("Error", ""), error.get("Cause", ""))  # noqa: E731
        elif name == "issue_receipt":
            work = lambda: lifecycle.issue_receipt(event["session_id"])  # noqa: E731
        else:
            work = lambda: getattr(lifecycle, name)(event["session_id"], event["task_token"])  # noqa: E731
        return self.invoke(name, work)

    # The payment provider's word.

    def _webhook(self, news: PaymentNews) -> None:
        self.untold += 1
        delay_s = 0.5
        if self.is_rough:
            delay_s = self.random.choice([0.01, 0.5, 5, 90, 1500, 7200])
            if self.random.random() < 0.2:
                self.untold += 1
                self.after(delay_s * 1.5 + 1, lambda: self._deliver(news, 1))
        self.after(delay_s, lambda: self._deliver(news, 1))

    def _deliver(self, news: PaymentNews, tries: int) -> None:
        try:
            self.invoke("webhook", lambda: wiring.network().payment_webhooks.receive(news))
        except Failed:
            self.after(60 * 2**tries, lambda: self._deliver(news, tries + 1))
        else:
            self.untold -= 1

    def note_failure(self, session: Session) -> None:
        """A session was saved that is over, or about to be."""
        held = {name for name, it in self.provider.intents.items() if it.status == "requires_capture"}
        if session.told_state is State.FAILED and any(it.payment_id in held for it in session.holds):
            self.told_early.append(f"session {session.session_id} was told to have failed while it held money")

    # Chargers' sockets.

    def receive(self, connection_id: str, frame: str) -> str | None:
        answer: str | None = self.invoke("message", lambda: wiring.network().conversation.receive(connection_id, frame))
        return answer

    def connect(self, charger: Stub, connection_id: str) -> None:
        connection = Connection(
            connection_id=connection_id, charger_id=charger.charger_id, operator_id="op", protocol=charger.protocol
        )
        self.invoke("connect", lambda: wiring.network().sockets.opened(connection, self.now()))

    def disconnect(self, connection_id: str) -> None:
        self.invoke("disconnect", lambda: wiring.network().connections.close(connection_id))

    def post(self, operation: str, params: dict[str, Any]) -> Any:
        """API Gateway's management API. Raises Refused."""
        name = params["ConnectionId"]
        charger = next((it for it in self.chargers.values() if it.online and it.connection_id == name), None)
        if charger is None:
            raise Refused("GoneException")
        if operation == "PostToConnection":
            frame = params["Data"].decode()
            self.after(0.1, lambda: charger.command(frame) if charger.online else None)
        return {}

    # What drivers do, again with the same key until they are answered.

    def ask(
        self, what: str, work: Callable[[], Any], then: Callable[[Any], None] | None = None, tries: int = 1
    ) -> None:
        try:
            answer = self.invoke(what, work)
        except Failed as error:
            if error.error == "Refusal":
                self.refused.append(f"{what}: {error.cause}")
            elif tries < 8 and self.is_patient:
                self.after(3, lambda: self.ask(what, work, then, tries + 1))
            return
        if then is not None:
            then(answer)

    # Schedules.

    def tick(self, *, hourly: bool) -> None:
        """What time alone brings about."""
        for name in ("sweep", "claim", "reservations", *(("debts",) if hourly else ())):
            self.fire(name)

    def fire(self, schedule: str) -> None:
        """Let a schedule's function run now."""
        self._do_parts(schedule, {})

    def begin_beside(self, operation: str, params: dict[str, Any]) -> Any:
        """Lambda's API: a part of a schedule that another invocation is to do. Raises Refused."""
        if (operation, params["InvocationType"]) != ("Invoke", "Event"):
            raise Refused("InvalidRequestContentException")
        told = json.loads(params["Payload"])["detail"]
        self.after(0.1, lambda: self._do_parts(params["FunctionName"], told))
        return {"StatusCode": 202}

    def _do_parts(self, schedule: str, told: dict[str, Any]) -> None:
        try:
            self.invoke(schedule, lambda: do_parts(schedule, told))
        except Failed:
            # It is not tried again: the next tick does what this one could not.
            return


class _Busy(Executor):
    """Threads that are never free: what may be done at once is done in turn, so that a call's number says which it is.

    Where a run has a seed, that says which comes first: whatever breaks off in between, it must not matter.
    """

    def submit(self, work: Callable[..., Any], /, *args: Any, **named: Any) -> Future[Any]:
        done: Future[Any] = Future()
        if _Current.world.is_rough and _Current.world.turns.random() < 1 / 2:
            try:
                done.set_result(work(*args, **named))
            except Exception as error:
                done.set_exception(error)
        return done


class _Current:
    """The run under way: services are built once, runs follow each other."""

    world: World


class _Http(stripe.HTTPClient):
    """The way to the provider of the run under way."""

    name = "played"

    def __init__(self, **_: Any) -> None:
        super().__init__()

    def request_with_retries(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        post_data: Any = None,
        max_network_retries: int | None = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        world = _Current.world
        text, status = world.injector.through(
            f"stripe {method} {url.partition('/v1/')[2]}",
            lambda: world.provider.request(method, url, headers, post_data),
            lambda: stripe.APIConnectionError("no answer"),  # type: ignore[no-untyped-call]
        )
        return text, status, {}


_SETTINGS = {
    "KERB_STATE_MACHINE_ARN": "arn:aws:states:us-east-1:123456789012:stateMachine:kerb-session",
    "KERB_SOCKET_ENDPOINT": "https://sockets.example.com",
    "KERB_STRIPE_API_KEY": "sk_test",
    "KERB_WALLET_ISSUER": "issuer",
    "KERB_WALLET_FEE_PERMILLE": "50",
    "KERB_STRIPE_WEBHOOK_SECRET": "whsec",
    "KERB_STRIPE_PUBLISHABLE_KEY": "pk_test",
    "KERB_USER_POOL_ID": "us-east-1_people",
    "KERB_USER_POOL_CLIENT_ID": "client",
}


def _now() -> datetime:
    return _Current.world.now()


def _new_id() -> str:
    return _Current.world.new_id()


class _Chance:
    """What Kerb leaves to chance, such as the order of shards: the seed of the run under way says it."""

    def sample(self, population: Sequence[Any], k: int) -> list[Any]:
        return _Current.world.chance.sample(population, k)

    def shuffle(self, things: list[Any]) -> None:
        _Current.world.chance.shuffle(things)


def _request(operation: str, params: dict[str, Any]) -> Any:
    return _Current.world.engine.request(operation, params)


def _invoke(operation: str, params: dict[str, Any]) -> Any:
    return _Current.world.begin_beside(operation, params)


def _identify(operation: str, params: dict[str, Any]) -> Any:
    """Cognito's API: whoever is known there is found, and can be forgotten. Raises Refused."""
    known = _Current.world.identities
    if operation == "ListUsers":
        asked = params["Filter"].split('"')[1]
        return {"Users": [{"Username": it} for it in sorted(known) if it == asked]}
    if (operation, params["Username"] in known) != ("AdminDeleteUser", True):
        raise Refused("UserNotFoundException")
    known.remove(params["Username"])
    return {}


def _post(operation: str, params: dict[str, Any]) -> Any:
    return _Current.world.post(operation, params)


def _stored(tables: Tables, operation: str, params: dict[str, Any]) -> Any:
    """DynamoDB's API. Whoever reads that a session has failed may rely on its money: no hold that it knows still is."""
    answer = tables.call(operation, params)
    if operation == "UpdateItem" and params["TableName"] == SessionRow.Meta.table_name:
        for it in params.get("ExpressionAttributeValues", {}).values():
            if '"state":"failed"' in it.get("S", ""):
                _Current.world.note_failure(decode(Session, it["S"]))
    return answer


class Network:
    """An account with Kerb in it, for any number of runs one after another."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._empty = tables.rows()
        self._known: dict[str, Rows] = {}
        # The calls of each story, once it was played without a fault.
        self.plain: dict[str, list[Seen]] = {}

    def begin(self, world: World, name: str, prepare: Callable[[], None]) -> None:
        """Put the network as `prepare` leaves it; done once for each `name`."""
        _Current.world = world
        if name not in self._known:
            self._tables.restore(self._empty)
            wiring.install(_kerb())
            prepare()
            self._known[name] = self._tables.rows()
        self._tables.restore(self._known[name])
        # What a process remembers: sockets, and what was built.
        wiring.install(_kerb())


def _kerb() -> wiring.Network:
    """Kerb as it is wired, by the clock of the run under way."""
    return wiring.Network(_SETTINGS, clock=_now, new_id=_new_id)


@contextmanager
def network() -> Iterator[Network]:
    """Kerb as it is wired, in an account of its own, by the clock of the run under way."""
    requests_client = stripe.RequestsClient
    stripe.RequestsClient = _Http  # type: ignore[misc, assignment]
    routes: dict[str, Callable[[str, dict[str, Any]], Any]] = {
        "stepfunctions": _request,
        "apigatewaymanagementapi": _post,
        "lambda": _invoke,
        "cognito-idp": _identify,
    }
    try:
        with (
            account(lambda: _Current.world.injector, routes) as tables,
            patch("chalicelib.services.at_once.helpers", _Busy),
            patch("chalicelib.adapters.dynamo._RANDOM", _Chance()),
            patch("chalicelib.handlers.schedules._RANDOM", _Chance()),
        ):
            routes["dynamodb"] = partial(_stored, tables)
            yield Network(tables)
    finally:
        wiring.install(None)
        stripe.RequestsClient = requests_client  # type: ignore[misc]
