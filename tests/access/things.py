"""Two operators' things, one of each kind that a route can name, at two sites; and how each route is asked for them.

`ASKED` lists every route of an operator. A route that is missing there fails `test_matrix.py`: add it with the body it
takes and what it answers whoever may use it, and its thing to `world` if it names one of a new kind.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from botocore.client import BaseClient

from chalicelib import wiring
from chalicelib.adapters.dynamo import decode, encode, update
from chalicelib.adapters.tables import DriverRow, InvoiceRow
from chalicelib.domain.access.api_keys import ApiKey, new_secret, shown
from chalicelib.domain.access.audit import AuditEntry
from chalicelib.domain.access.invitations import Invitation
from chalicelib.domain.access.rights import Membership, Role, Scope
from chalicelib.domain.chargers.events import ConnectorId, ReportKind, ReportReceived
from chalicelib.domain.chargers.fault_report import FaultKind, FaultReport
from chalicelib.domain.charging.session import State
from chalicelib.domain.grid.demand_response import AskedInterval, Contract, DemandEvent, demand_of
from chalicelib.domain.grid.energy import EnergyContract
from chalicelib.domain.grid.tree import Node, OperatorLimit, SiteTree
from chalicelib.domain.money.invoice import Draft, Invoice, InvoiceType
from chalicelib.domain.money.organisation import Organisation, OrganisationMember
from chalicelib.domain.money.party import Business, Party
from chalicelib.domain.money.receipt import Profile
from chalicelib.domain.operators import AlarmKind
from chalicelib.domain.pricing.evidence import Flag
from chalicelib.records.chargers import Charger, Knock, KnockReason, Purpose
from chalicelib.records.charging import Transaction
from chalicelib.records.drivers import Driver, Terms, Token
from chalicelib.records.grid import ManagedSite, NamedLimit, OpenAdrVersion, UtilityLink
from chalicelib.records.money import Compared, Difference
from chalicelib.records.notifications import Webhook
from chalicelib.records.operators import Alarm, AlarmPlace
from tests.access.door import Door, NamesAsTokens
from tests.services.conftest import CONNECTION, NOW, SITE, TARIFF, Kit, sent_call
from tests.tables import Tables, account, without_http

OWN, RIVAL = "operator-OWN", "operator-rival"
NEAR, FAR, NOWHERE = "NEAR", "FAR", "NOWHERE"
DRIVER = "driver-1"
UID = "04A1B2C3D4"
# What no answer to somebody else may show.
MARKS = (NEAR, FAR, "OWN", UID)
DAY = NOW.date() - timedelta(days=1)
SITE_BODY = {"name": "x", "address": "x", "time_zone": "UTC", "tariff_id": "tariff-OWN"}
FLEET_BODY = {
    "name": "x",
    "currency": "EUR",
    "email": "x@example.com",
    "business": {"name": "x", "address": "x\n10115 Berlin", "country": "DE"},
    "budget_minor": 1,
}
FLEET = Organisation(
    operator_id=OWN,
    organisation_id="fleet-own",
    name="OWN",
    currency="EUR",
    business=Business(name="OWN", address="x\n10115 Berlin", country="DE"),
    email="x@example.com",
    budget_minor=1,
)
TREE = {"nodes": [{"node_id": "grid", "limit_ma": [63_000, 63_000, 63_000]}], "ports": []}
LIMIT_LIFE = {"begins_at": "2026-11-30T18:00:00Z", "ends_at": "2026-11-30T20:00:00Z"}
METER_KEY = (
    "3059301306072A8648CE3D020106082A8648CE3D030107034200043AEEB45C392357820A58FDFB0857BD77ADA31585C61C430531DFA53B440AFBFDD9"
    "5AC887C658EA55260F808F55CA948DF235C2108A0D6DC7D4AB1A5E1A7955BE"
)
_PARTY = Party(name="OWN", street=(), postal_code="10115", city="Berlin", country="DE", tax_id="DE123456789")
INVOICE = Invoice(
    number="2026-OWN",
    issued_on=DAY,
    draft=Draft(
        type=InvoiceType.INVOICE,
        currency="EUR",
        seller=_PARTY,
        buyer=_PARTY,
        begins_on=DAY,
        ends_on=DAY,
        lines=(),
        allowances=(),
        taxes=(),
        paid_minor=0,
    ),
)
KEY_LIFE = {"expires_at": "2026-12-24T00:00:00Z"}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How a route is asked. `{place}` in the body is the site's; `refused` is what whoever may use it is told anyway.

    `foreign` is what another operator is told of the thing: "absent", as of what is not there; "taken", for its id; or
    "theirs", for what is each operator's own. `eased` is a body for which the lesser scope is enough.
    """

    body: Any = None
    refused: str = ""
    foreign: str = "absent"
    eased: Any = None
    query: Mapping[str, str] = field(default_factory=dict)

    def said(self, place: str) -> Any:
        """The body, for that place."""
        return json.loads(json.dumps(self.body).replace("{place}", place))


_P = "/v1/operator/sites/{site_id}"
_O = "/v1/operator/organisations/{organisation_id}"
_C, _S = "/v1/operator/chargers/{charger_id}", "/v1/operator/sessions/{session_id}"
ASKED: dict[str, Asked] = {
    "PUT /v1/operator/profile": Asked(body={"legal_name": "x", "address": "x", "country": "DE"}, foreign="theirs"),
    "GET /v1/operator/profile": Asked(foreign="theirs"),
    f"POST {_S}/refund": Asked(body={"amount_minor": 1}, refused="not_paid"),
    f"POST {_S}/energy": Asked(body={"energy_wh": 1}, refused="not_in_review"),
    f"POST {_S}/correction": Asked(body={"total_minor": 0, "note": "x"}),
    f"GET {_S}/books": Asked(),
    "GET /v1/operator/reconciliation": Asked(foreign="theirs", query={"day": DAY.isoformat()}),
    "GET /v1/operator/invoices": Asked(foreign="theirs"),
    "GET /v1/operator/invoices/{number}": Asked(),
    "GET /v1/operator/organisations": Asked(foreign="theirs"),
    f"GET {_O}": Asked(),
    f"PUT {_O}": Asked(body=FLEET_BODY, foreign="theirs"),
    f"POST {_O}/invitations": Asked(body={"reference": "x"}),
    f"GET {_O}/members": Asked(),
    f"DELETE {_O}/members/{{driver_id}}": Asked(),
    f"GET {_O}/sessions": Asked(),
    f"GET {_O}/invoices": Asked(),
    "PUT /v1/operator/tokens/{uid}": Asked(body={"driver_id": DRIVER}, foreign="taken"),
    "GET /v1/operator/tokens/{uid}": Asked(),
    "PUT /v1/operator/drivers/{driver_id}": Asked(body={"tariff_id": "tariff-OWN"}),
    "GET /v1/operator/alarms": Asked(foreign="theirs"),
    "GET /v1/operator/alarms/{alarm_id}": Asked(),
    "POST /v1/operator/alarms/{alarm_id}/acknowledge": Asked(),
    "POST /v1/operator/alarms/{alarm_id}/comments": Asked(body={"text": "x"}),
    "PUT /v1/operator/alarm-settings": Asked(body={"mail_to": ["x@example.com"]}, foreign="theirs"),
    "GET /v1/operator/alarm-settings": Asked(foreign="theirs"),
    "GET /v1/operator/fault-reports": Asked(foreign="theirs"),
    "PUT /v1/operator/fault-reports/{report_id}": Asked(body={"answer": "x"}),
    "PUT /v1/operator/tariffs/{tariff_id}": Asked(
        body={"name": "x", "currency": "EUR", "price_per_kwh": "0.10"}, foreign="taken"
    ),
    "PUT /v1/operator/sites/{site_id}": Asked(body=SITE_BODY, foreign="taken"),
    f"PUT {_P}/grid": Asked(body=TREE),
    f"GET {_P}/grid": Asked(),
    f"DELETE {_P}/grid": Asked(),
    f"POST {_P}/grid/preview": Asked(body=TREE),
    f"POST {_P}/load": Asked(body={"load_ma": [1, 2, 3]}),
    f"PUT {_P}/power-limits/{{limit_id}}": Asked(body={"node_id": "grid", "limit_w": 1, **LIMIT_LIFE}),
    f"DELETE {_P}/power-limits/{{limit_id}}": Asked(),
    f"GET {_P}/power": Asked(),
    f"PUT {_P}/energy": Asked(body={"currency": "EUR", "price": {"kind": "fixed", "price_per_kwh": "0.2"}}),
    f"GET {_P}/energy": Asked(),
    f"DELETE {_P}/energy": Asked(),
    f"PUT {_P}/demand-response": Asked(body={}),
    f"GET {_P}/demand-response": Asked(),
    f"DELETE {_P}/demand-response": Asked(),
    f"PUT {_P}/demand-response/{{event_id}}/opt-out": Asked(),
    "PUT /v1/operator/demand-response/events/{event_id}": Asked(
        body={"program": "x", "intervals": [LIMIT_LIFE]}, foreign="theirs"
    ),
    "GET /v1/operator/demand-response/events/{event_id}": Asked(),
    "GET /v1/operator/demand-response/events/{event_id}/report": Asked(),
    "DELETE /v1/operator/demand-response/events/{event_id}": Asked(),
    "GET /v1/operator/demand-response/events": Asked(foreign="theirs"),
    "PUT /v1/operator/demand-response/openadr": Asked(
        body={"url": "https://vtn.example.com", "client_id": "x", "client_secret": "x", "ven_name": "x"},
        foreign="theirs",
    ),
    "GET /v1/operator/demand-response/openadr": Asked(foreign="theirs"),
    "DELETE /v1/operator/demand-response/openadr": Asked(foreign="theirs"),
    f"PUT {_C}": Asked(body={"site_id": "site-{place}", "connectors": ["1"]}, foreign="absent"),
    "GET /v1/operator/chargers": Asked(foreign="theirs"),
    f"POST {_C}/commands": Asked(
        body={"command": "reset", "hard": False}, eased={"command": "unlock", "connector": "1"}, query={"wait_s": "0"}
    ),
    f"GET {_C}/commands/{{command_id}}": Asked(),
    f"POST {_C}/start": Asked(body={"connector": "1", "uid": UID}, query={"wait_s": "0"}),
    f"POST {_C}/password": Asked(query={"wait_s": "0"}),
    "PUT /v1/operator/charger-profile": Asked(body={}, foreign="theirs"),
    "GET /v1/operator/charger-profile": Asked(foreign="theirs"),
    f"POST {_C}/setup": Asked(),
    f"GET {_C}": Asked(),
    f"POST {_C}/block": Asked(),
    f"POST {_C}/accept": Asked(),
    f"GET {_C}/journal": Asked(),
    "GET /v1/operator/knocks": Asked(foreign="theirs"),
    f"PUT {_C}/trace": Asked(body={"minutes": 1}),
    f"GET {_C}/uptime": Asked(),
    f"GET {_C}/history": Asked(),
    f"GET {_C}/reports/{{kind}}/{{request_id}}": Asked(),
    f"GET {_C}/transactions/{{ref}}": Asked(),
    "GET /v1/operator/sessions": Asked(foreign="theirs"),
    f"GET {_S}/signed-values": Asked(),
    f"GET {_S}/proof": Asked(refused="no_receipt_yet"),
    f"GET {_S}/dispute": Asked(),
    f"PUT {_S}/dispute": Asked(body={"status": "rejected", "answer": "x"}, refused="no_dispute"),
    f"GET {_S}/evidence": Asked(refused="not_billed"),
    f"GET {_C}/meter-keys": Asked(),
    f"PUT {_C}/meter-keys": Asked(body={"meter": "M1", "key": METER_KEY}),
    f"POST {_S}/end": Asked(),
    f"POST {_S}/settle": Asked(body={"reason": "x"}),
    "PUT /v1/operator/webhook": Asked(
        body={"url": "https://hooks.example.com/x", "secret": "at-least-16-characters"}, foreign="theirs"
    ),
    "GET /v1/operator/webhook": Asked(foreign="theirs"),
    "DELETE /v1/operator/webhook": Asked(foreign="theirs"),
    "GET /v1/operator/members": Asked(foreign="theirs"),
    "GET /v1/operator/members/{person_id}": Asked(),
    "PUT /v1/operator/members/{person_id}": Asked(body={"role": "support"}, foreign="theirs"),
    "DELETE /v1/operator/members/{person_id}": Asked(),
    "POST /v1/operator/members/{person_id}/logout": Asked(),
    "POST /v1/operator/invitations": Asked(body={"email": "x@example.com", "role": "support"}, foreign="theirs"),
    "GET /v1/operator/invitations": Asked(foreign="theirs"),
    "GET /v1/operator/invitations/{invitation_id}": Asked(),
    "POST /v1/operator/invitations/{invitation_id}/send": Asked(),
    "DELETE /v1/operator/invitations/{invitation_id}": Asked(),
    "GET /v1/operator/security": Asked(foreign="theirs"),
    "PUT /v1/operator/security": Asked(body={"second_factor": ["finance"]}, foreign="theirs"),
    "GET /v1/operator/live": Asked(foreign="theirs"),
    "POST /v1/operator/keys": Asked(body={"name": "x", "scopes": ["chargers:read"], **KEY_LIFE}, foreign="theirs"),
    "GET /v1/operator/audit": Asked(foreign="theirs"),
    "GET /v1/operator/keys": Asked(foreign="theirs"),
    "GET /v1/operator/keys/{key_id}": Asked(),
    "POST /v1/operator/keys/{key_id}/rotate": Asked(body={"overlap_h": 1}),
    "DELETE /v1/operator/keys/{key_id}": Asked(),
}


def parameters(path: str, place: str) -> dict[str, str]:
    """What stands for a path's parameters, for the thing at that place (operators' other things are at all)."""
    is_known = place != NOWHERE
    names = {
        "charger_id": f"CP-{place}",
        "session_id": f"S-{place}",
        "site_id": f"site-{place}",
        "limit_id": f"limit-{place}",
        "report_id": f"report-{place}",
        "alarm_id": f"alarm-{place}",
        "event_id": "event-1" if is_known else "event-none",
        "command_id": f"k-{place}",
        "ref": f"T-{place}",
        "kind": ReportKind.MONITORING.value,
        "request_id": "1",
        "uid": UID if is_known else "04FFFFFFFF",
        "tariff_id": "tariff-OWN" if is_known else "tariff-new",
        "driver_id": DRIVER if is_known else "nobody",
        "person_id": "person-OWN" if is_known else "nobody",
        "invitation_id": "INVITEOWN000" if is_known else "INVITENONE00",
        "key_id": "KEYOWN000000" if is_known else "KEYNONE00000",
        "organisation_id": "fleet-own" if is_known else "fleet-none",
        "number": "2026-OWN" if is_known else "2026-NONE",
    }
    return {name: value for name, value in names.items() if f"{{{name}}}" in path}


class LoggedOut:
    """An identity provider that ends logins, and knows nothing else."""

    def sign_out(self, account_id: str) -> int:
        return 1


@dataclass
class Post:
    """Takes every invitation, and keeps its code."""

    codes: list[str] = field(default_factory=list)

    def send(self, invitation: Invitation, operator: str, code: str) -> None:
        self.codes.append(code)


@dataclass
class World:
    """Everything that is asked for, and who asks."""

    kit: Kit
    door: Door
    tables: Tables
    secrets: dict[str, str] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)
    _before: Any = None

    def member(self, name: str, operator_id: str, role: Role, sites: frozenset[str] | None = None) -> str:
        """A person with an account, who is that to the operator."""
        self.kit.drivers.put(Driver(driver_id=name, email=f"{name}@example.com"))
        membership = Membership(role=role, since=NOW, sites=sites)
        self.kit.memberships.change(name, operator_id, lambda _: membership)
        self.kit.memberships.note_member(operator_id, name)
        # The first use of an hour is written down; none of the matrix is.
        self.kit.memberships.note_used(name, {}, operator_id, NOW)
        if role is Role.OWNER:
            self.kit.memberships.note_owner(operator_id, name)
        return name

    def platform(self, name: str, *, is_proven: bool = True) -> str:
        """A person who administers the platform, as a deployment makes one; their login took a second factor or not."""
        self.kit.drivers.put(Driver(driver_id=name, email=f"{name}@example.com"))
        update(DriverRow(name), [DriverRow.is_platform.set(True)])
        if is_proven:
            self.kit.second_factors.note_proven(name, f"login-{name}", NOW)
        return name

    def key(self, name: str, scopes: frozenset[Scope], maker: str = "person-owner", **facts: Any) -> str:
        """A key of that name, put where keys are; returns its secret."""
        key_id = f"{name:0<12}"[:12]
        number = len(self.secrets)
        secret = new_secret(key_id, number.to_bytes)
        known = shown(secret)
        assert known is not None
        key = ApiKey(
            key_id=key_id,
            operator_id=OWN,
            name=name,
            scopes=scopes,
            sites=None,
            made_by=maker,
            made_at=NOW,
            expires_at=NOW + timedelta(days=30),
            secret_hash=known.secret_hash,
        )
        assert self.kit.api_keys.add(replace(key, **facts))
        self.secrets[name] = secret
        # The first use of an hour is written down; none of the matrix is.
        self.kit.api_keys.note_used(key, NOW)
        return secret

    def settled(self) -> None:
        """From here on whatever is written is noted, and can be undone."""
        self._before = self.tables.rows()
        self.written.clear()

    def audited(self) -> list[AuditEntry]:
        """All entries that were written since, in no order, as they were written."""
        rows = _rows(self.tables.rows(["kerb-audit"])["kerb-audit"])
        found = [it["Attributes"] for _, it in rows]
        return [decode(AuditEntry, it["body"]["S"]) for it in found if it["part"]["S"] == "entry"]

    def undo(self) -> None:
        """Put back what was written since, table by table: most requests write to one or none."""
        for name in self.written:
            self.tables.restore_table(name, self._before[name])
        self.written.clear()

    def rows(self, tables: Iterable[str]) -> dict[str, str]:
        """All rows of these tables as text, by table and key."""
        stored = self.tables.rows(tables)
        return {f"{name}/{key}": repr(row) for name in stored for key, row in _rows(stored[name])}

    def rows_before(self, tables: Iterable[str]) -> dict[str, str]:
        """The same as they were settled."""
        return {f"{name}/{key}": repr(row) for name in tables for key, row in _rows(self._before[name])}


_WRITES = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem")


def _rows(stored: Any) -> Iterator[tuple[str, Any]]:
    """moto keeps a row by its keys, or by the one that it has."""
    for key, found in stored.items():
        rows = found.items() if isinstance(found, dict) else [("", found)]
        yield from ((f"{key}/{sort}", row.to_json()) for sort, row in rows)


@contextmanager
def _noted(written: set[str]) -> Iterator[None]:
    """Tables to which anything is written, conditions that do not hold left out."""
    base: Any = BaseClient
    original = base._make_api_call

    def make_api_call(client: Any, operation: str, params: dict[str, Any]) -> Any:
        answer = original(client, operation, params)
        if operation in _WRITES:
            written.update(_tables_of(params))
        return answer

    base._make_api_call = make_api_call
    try:
        yield
    finally:
        base._make_api_call = original


def _tables_of(params: dict[str, Any]) -> Iterator[str]:
    if "TransactItems" in params:
        yield from (what["TableName"] for item in params["TransactItems"] for what in item.values())
    else:
        yield from params.get("RequestItems", (params.get("TableName"),))


def _stand(kit: Kit, place: str, operator_id: str, tariff_id: str) -> None:
    site_id, charger_id, session_id = f"site-{place}", f"CP-{place}", f"S-{place}"
    kit.sites.put(replace(SITE, site_id=site_id, operator_id=operator_id, tariff_id=tariff_id))
    tree = SiteTree(site_id=site_id, nodes=(Node(node_id="grid", limit_ma=(63_000, 63_000, 63_000)),), ports=())
    kit.managed_sites.put(ManagedSite(operator_id=operator_id, tree=tree, changed_at=NOW))
    limit = OperatorLimit(node_id="grid", limit_w=1, begins_at=NOW, ends_at=NOW + timedelta(hours=1))
    kit.managed_sites.limit(site_id, NamedLimit(limit_id=f"limit-{place}", limit=limit))
    kit.energy_contracts.put(
        EnergyContract(
            site_id=site_id, operator_id=operator_id, time_zone="UTC", currency="EUR", changed_at=NOW, price_micros=1
        ),
        None,
        NOW,
    )
    asked = AskedInterval(begins_at=NOW, ends_at=NOW + timedelta(hours=1))
    event = DemandEvent(event_id="event-1", operator_id=operator_id, program="p", intervals=(asked,), told_at=NOW)
    contract = Contract(site_id=site_id, operator_id=operator_id, signed_at=NOW)
    demand = demand_of(event, contract, 0)
    assert demand is not None
    kit.demand_events.sign(contract)
    kit.demand_events.demand(demand)
    if operator_id == OWN:
        kit.demand_events.put(None, event)
    kit.utilities.link(
        UtilityLink(
            operator_id=operator_id,
            url="https://vtn.example.com",
            version=OpenAdrVersion.V3_1_0,
            client_id="kerb",
            client_secret="x",
            ven_name="kerb",
        )
    )
    kit.chargers.put(
        Charger(
            charger_id=charger_id,
            operator_id=operator_id,
            site_id=site_id,
            password_hash="scrypt$",
            connectors=(ConnectorId(1),),
        )
    )
    kit.sockets.opened(
        replace(CONNECTION, connection_id=f"c-{place}", charger_id=charger_id, operator_id=operator_id), NOW
    )
    session = replace(
        kit.session("KAAAAAAAAAAAAAAAAAAA"),
        session_id=session_id,
        operator_id=operator_id,
        site_id=site_id,
        charger_id=charger_id,
        ref=f"T-{place}",
        state=State.ACTIVE,
        started_at=NOW,
        meter_start_wh=0,
        flags=frozenset({Flag.LONG_CHARGE}),
    )
    kit.sessions.add(session)
    kit.transactions.record(
        Transaction(charger_id=charger_id, ref=f"T-{place}", connector=ConnectorId(1), session_id=session_id)
    )
    kit.calls.add(replace(sent_call(Purpose.OPERATOR, "", charger_id), message_id=f"k-{place}"))
    report = ReportReceived(
        kind=ReportKind.MONITORING, request_id=1, seq_no=0, is_last=True, body=f'{{"of": "{place}"}}'
    )
    kit.reports.add(charger_id, report, NOW)
    kit.fault_reports.add(
        FaultReport(
            report_id=f"report-{place}",
            operator_id=operator_id,
            driver_id=DRIVER,
            charger_id=charger_id,
            connector=None,
            kind=FaultKind.OTHER,
            text=place,
            created_at=NOW,
        )
    )
    at = AlarmPlace(operator_id=operator_id, kind=AlarmKind.OFFLINE, group=f"site-{place}")
    kit.alarms.add(Alarm(alarm_id=f"alarm-{place}", place=at, opened_at=NOW, detail=place))
    kit.knocks.add(
        Knock(
            operator_id=operator_id,
            charger_id=charger_id,
            name=charger_id,
            reason=KnockReason.WRONG_PASSWORD,
            why="x",
            at=NOW,
            first_at=NOW,
        )
    )
    kit.differences.put(
        DAY,
        [
            Difference(
                session_id=session_id,
                operator_id=operator_id,
                what=Compared.TAKEN,
                ours_minor=1,
                theirs_minor=2,
                currency="EUR",
            )
        ],
    )


@contextmanager
def world() -> Iterator[World]:
    """Both operators, on tables of their own, behind the door."""
    with account(), without_http():
        kit = Kit()
        vars(kit).update(access_tokens=NamesAsTokens(), identity=LoggedOut(), invitation_mail=Post())
        kit.app_session()
        made = World(kit, Door(), Tables())
        for operator_id, tariff_id, places in ((OWN, "tariff-OWN", (NEAR, FAR)), (RIVAL, "tariff-rival", ("rival",))):
            kit.tariffs.put(replace(TARIFF, tariff_id=tariff_id, operator_id=operator_id))
            for place in places:
                _stand(kit, place, operator_id, tariff_id)
            kit.operator_profiles.put(operator_id, Profile(legal_name=operator_id, address="x", country="DE"))
            kit.webhooks.put(operator_id, Webhook(f"https://hooks.example.com/{operator_id}", "a-secret-of-sixteen"))
        kit.tokens.put(Token(uid=UID, operator_id=OWN, driver_id=DRIVER), NOW)
        kit.drivers.set_terms(DRIVER, OWN, Terms(blocked=False))
        kit.organisations.put(FLEET)
        kit.organisations.add_member(OWN, "fleet-own", OrganisationMember(driver_id=DRIVER, reference="OWN", since=NOW))
        InvoiceRow(OWN, "number#2026-OWN", body=encode(INVOICE)).save()
        made.member("person-OWN", OWN, Role.READ_ONLY)
        made.key("KEYOWN", frozenset({Scope.CHARGERS_READ}))
        kit.invitations.add(
            Invitation(
                invitation_id="INVITEOWN000",
                operator_id=OWN,
                email="x-OWN@example.com",
                role=Role.SUPPORT,
                by="person-OWN",
                made_at=NOW,
                expires_at=NOW + timedelta(days=7),
                secret_hash="x",
            )
        )
        wiring.install(kit)
        try:
            with _noted(made.written):
                yield made
        finally:
            wiring.install(None)
