"""Two operators' things, one of each kind, and so many more of each; what is written to them can be taken back.

What stands there is `tests/access/things.py`'s, which knows how every route of an operator's is asked.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from botocore.client import BaseClient
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType

from benchmarks.big_network import SPOT, Whose, grow
from chalicelib.adapters.access.tokens import Claims, Tickets
from chalicelib.domain.access.invitations import Invitation
from chalicelib.domain.access.rights import Role, Scope
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.charging.session import Hold
from chalicelib.domain.grid.demand_response import AskedInterval, DemandEvent
from chalicelib.domain.money.organisation import OrganisationMember
from chalicelib.domain.money.receipt import Profile
from chalicelib.domain.operators import AlarmKind
from chalicelib.domain.reservations import Reservation, ReservationStatus
from chalicelib.records.chargers import Purpose, Site
from chalicelib.records.drivers import Enrolment, Login
from chalicelib.records.money import CardSetup, PaymentNews, PaymentNewsKind, SavedCard
from chalicelib.records.operators import Alarm, AlarmPlace
from chalicelib.records.vehicles import MANUAL, Vehicle
from tests.access.door import NamesAsTokens
from tests.access.things import DRIVER, FLEET, NEAR, OWN, World
from tests.services.conftest import NOW, SITE, TARIFF, Kit, sent_call
from tests.services.money.test_money import Run
from tests.tables import ACCOUNT, REGION

OWNER, ADMIN = "person-owner", "person-platform"
# An operator has 200 people at the most, and 100 keys and open invitations.
_MOST_PEOPLE, _FEW = 150, 10
FIRST, PAID = "KAAAAAAAAAAAAAAAAAAA", "S-paid"
# What an identity provider does without a word, answers with a login, and names an account for.
_DONE = (
    "confirm",
    "resend",
    "send_reset",
    "change_password",
    "change_email",
    "confirm_second_factor",
    "end_second_factor",
    "forget",
)
_LOGS_IN = ("log_in", "refresh")
_NAMES_SOMEBODY = ("register", "reset", "confirm_email")
# In the time of this machine: logins and tokens of today.
_LOGGED_IN_S = int(time.time()) + 24 * 3600
_LOGIN = Login(account_id=DRIVER, access_token="token", refresh_token="r", expires_s=3600, issued_s=_LOGGED_IN_S)


class AnyName(NamesAsTokens):
    """Verifies access tokens that are anybody's names, each of a login of this minute."""

    def verify(self, token: str) -> Claims:
        until = datetime(2100, 1, 1, tzinfo=UTC)
        return Claims(
            subject=token,
            groups=(),
            expires_at=until,
            issued_s=_LOGGED_IN_S,
            logged_in_s=_LOGGED_IN_S,
            login_id=f"login-{token}",
        )


def populate(made: World, size: int) -> None:
    """So many more of everything, who asks for it, and doubles of those who are asked outside."""
    kit = made.kit
    _surround(kit)
    here = replace(SITE, latitude=SPOT["latitude"], longitude=SPOT["longitude"])
    site = replace(here, site_id=f"site-{NEAR}", operator_id=OWN, tariff_id="tariff-OWN")
    kit.sites.put(site)
    # As whoever issues invoices has to say it.
    seller = Profile(legal_name="Op Ltd", address="Kai 7\n20457 Hamburg", country="DE", tax_id="DE123456789")
    kit.operator_profiles.put(OWN, seller)
    whose = Whose(OWN, f"CP-{NEAR}", site)
    for number in range(size):
        grow(kit, number, whose)
        _more(made, number)
    made.member(OWNER, OWN, Role.OWNER)
    made.platform(ADMIN)
    _add_car(kit)
    _pay(made, site)


def _surround(kit: Kit) -> None:
    """Who knows accounts, and the payment provider as accounts see it: both say yes."""
    yes: dict[str, Any] = dict.fromkeys(_DONE, lambda *_, **__: None) | dict.fromkeys(_LOGS_IN, lambda *_, **__: _LOGIN)
    yes |= {"sign_out": lambda *_: _LOGGED_IN_S, "enrolment_of": lambda *_: Enrolment("d@example.com")}
    yes |= dict.fromkeys(_NAMES_SOMEBODY, lambda *_, **__: "driver-new") | {"begin_second_factor": lambda *_: "SECRET"}
    parts = {"identity": SimpleNamespace(**yes), "tickets": Tickets("t" * 32), "access_tokens": AnyName()}
    hold = Hold("pi_top_up", 2000)
    top_ups = SimpleNamespace(take=lambda *_, **__: hold, taken=lambda *_: 2000, give_back=lambda *_: None)
    vars(kit).update(parts, card_top_ups=top_ups)
    vars(kit)["settings"] = {
        **kit.settings,
        "KERB_WALLET_ISSUER": OWN,
        "KERB_TERMS_VERSION": "2026-11",
        "KERB_STRIPE_PUBLISHABLE_KEY": "pk_1",
    }
    saved, setup = SavedCard(payment_method_id="pm_2", label="visa 1"), CardSetup("seti_1", "secret", "pk_1")
    provider: dict[str, Any] = dict.fromkeys(("change_email", "forget_customer", "forget_card"), lambda *_: None)
    provider |= {"create_customer": lambda *_: "cus_1", "begin_card_setup": lambda *_: setup}
    provider |= {"saved_card": lambda *_: saved, "read_webhook": lambda *_: _captured(kit), "refunds_of": lambda *_: ()}
    vars(kit.money).update(provider)


def _captured(kit: Kit) -> PaymentNews:
    """The provider tells again of what was captured."""
    payment_id = f"pi_{FIRST}"
    return PaymentNews(
        event_id="evt_1",
        kind=PaymentNewsKind.CAPTURED,
        session_id=FIRST,
        payment_id=payment_id,
        amount_minor=kit.money.captured[payment_id],
        at=kit.clock(),
    )


def _add_car(kit: Kit) -> None:
    """A car that nobody but its driver tells of."""
    kit.vehicles.put(Vehicle(vehicle_id="car-1", driver_id=DRIVER, maker=MANUAL, name="x", added_at=NOW))


def _pay(made: World, site: Site) -> None:
    """The driver's first session is over and paid, and there is one like it at the operator's own site."""
    kit = made.kit
    run = _First(kit).begun().ended().confirmed()
    paid = replace(
        run.session, session_id=PAID, operator_id=OWN, site_id=site.site_id, charger_id=f"CP-{NEAR}", token=PAID
    )
    kit.sessions.add(paid)
    kit.issued_receipts.issue(paid)


class _First(Run):
    """The session that stands there already."""

    def __init__(self, kit: Kit) -> None:
        self.kit, self.money, self.session_id = kit, kit.money, FIRST


def _more(made: World, number: int) -> None:
    """One more of what an operator's people make, and of what a driver has."""
    kit, at, name = made.kit, NOW - timedelta(minutes=number), f"{number:05d}"
    if number < _MOST_PEOPLE:
        made.member(f"person-{name}", OWN, Role.SUPPORT)
    # An operator has so many that are good, and however many that are over.
    over_since = None if number < _FEW else NOW
    made.key(f"K{name}", frozenset({Scope.CHARGERS_READ}), revoked_at=over_since)
    kit.invitations.add(
        Invitation(
            invitation_id=f"INVITE{name}0",
            operator_id=OWN,
            email=f"x-{name}@example.com",
            role=Role.SUPPORT,
            by=OWNER,
            made_at=NOW,
            expires_at=NOW + timedelta(days=7),
            secret_hash="x",
            withdrawn_at=over_since,
        )
    )
    kit.organisations.put(replace(FLEET, organisation_id=f"fleet-{name}"))
    kit.organisations.add_member(OWN, "fleet-own", OrganisationMember(driver_id=name, reference=name, since=NOW))
    where = AlarmPlace(operator_id=OWN, kind=next(iter(AlarmKind)), group=f"site-{name}")
    kit.alarms.add(Alarm(alarm_id=f"alarm-{name}", place=where, opened_at=at, detail=name))
    asked = AskedInterval(begins_at=NOW, ends_at=NOW + timedelta(hours=1))
    event = DemandEvent(event_id=f"event-{name}", operator_id=OWN, program="p", intervals=(asked,), told_at=NOW)
    kit.demand_events.put(None, event)
    kit.calls.add(replace(sent_call(Purpose.OPERATOR, "", f"CP-{NEAR}"), message_id=f"k-{name}"))
    yesterday = at - timedelta(days=1)
    over_then = replace(reservation(f"R-{name}", yesterday), standing=ReservationStatus.CANCELLED, ended_at=yesterday)
    kit.reservations.add(over_then)
    kit.operators.note(f"operator-{name}")


def reservation(reservation_id: str, at: datetime) -> Reservation:
    """One of the driver's, from then on for a quarter of an hour."""
    return Reservation(
        reservation_id=reservation_id,
        operator_id=OWN,
        site_id=f"site-{NEAR}",
        charger_id=f"CP-{NEAR}",
        connector=ConnectorId(1),
        driver_id=DRIVER,
        tariff=TARIFF,
        time_zone="UTC",
        created_at=at,
        until=at + timedelta(minutes=15),
    )


class Journal:
    """What rows were before they were written; with it they are put back one by one, however many others there are."""

    def __init__(self) -> None:
        self._tables: Any = dynamodb_backends[ACCOUNT][REGION].tables
        self._before: dict[tuple[str, Any, Any], Any] = {}

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Inside, whatever is written is noted first; afterwards it is put back."""
        base: Any = BaseClient
        original = base._make_api_call

        def make_api_call(client: Any, operation: str, params: dict[str, Any]) -> Any:
            for table, key in _written(operation, params):
                self._note(table, key)
            return original(client, operation, params)

        base._make_api_call = make_api_call
        try:
            yield
        finally:
            base._make_api_call = original
            self._put_back()

    def _note(self, name: str, key: Mapping[str, Any]) -> None:
        table = self._tables[name]
        first = DynamoType(key[table.hash_key_attr])
        second = DynamoType(key[table.range_key_attr]) if table.has_range_key else None
        row = table.items.get(first)
        if second is not None and row is not None:
            row = row.get(second)
        self._before.setdefault((name, first, second), copy.deepcopy(row))

    def _put_back(self) -> None:
        for (name, first, second), row in self._before.items():
            items = self._tables[name].items
            place, key = (items, first) if second is None else (items[first], second)
            if row is None:
                place.pop(key, None)
            else:
                place[key] = row
        self._before.clear()


def _written(operation: str, params: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Table and key of each row that a call may write."""
    if operation == "TransactWriteItems":
        for item in params["TransactItems"]:
            for what in item.values():
                yield what["TableName"], what.get("Item") or what["Key"]
    elif operation == "BatchWriteItem":
        for table, writes in params["RequestItems"].items():
            for what in writes:
                yield table, what["PutRequest"]["Item"] if "PutRequest" in what else what["DeleteRequest"]["Key"]
    elif operation in ("PutItem", "UpdateItem", "DeleteItem"):
        yield params["TableName"], params.get("Item") or params["Key"]
