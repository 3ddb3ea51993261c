"""What a contract costs beyond a card is counted: calls to AWS as the bill has them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from benchmarks.calls import counted
from chalicelib.adapters.ocpp.responders import DynamoCertificateMemory
from chalicelib.domain.chargers.contracts import CertificateStatus, ContractShown
from chalicelib.services.ocpp.contracts import PlugAndCharge
from cli import contracts as price
from local.contract_authority import ContractAuthority
from tests.services.conftest import Kit
from tests.services.ocpp.test_contracts import CONNECTION, CONTRACT, EMAID, TOKEN, URL, Answering, Pool

NOW = datetime(2026, 11, 30, 18, 0, tzinfo=UTC)


def calls_of(work: Callable[[], Any]) -> Counter[str]:
    with counted() as calls:
        work()
        return Counter({operation: number for (_, operation), number in calls.take().items()})


def test_calls_to_aws_are_those_that_are_paid_for(kit: Kit) -> None:
    authority = ContractAuthority(lambda: NOW, URL)
    service = PlugAndCharge(
        provider=Pool(authority),
        responders=Answering({URL: authority}),
        memory=DynamoCertificateMemory(),
        own_roots=(),
        clock=lambda: NOW,
    )
    contract = authority.contract(EMAID)
    shown = ContractShown(chain=authority.chain(contract))
    # The day's first asks for the roots too.
    assert calls_of(lambda: service.worth(CONNECTION, TOKEN, shown)) == Counter(BatchGetItem=2, UpdateItem=2, PutItem=3)
    known = calls_of(lambda: service.worth(CONNECTION, TOKEN, shown))
    other = ContractShown(chain=authority.chain(authority.contract("DE8AAC00000009")))
    named = "EMAID-DE8AAC00000009"
    asked = calls_of(lambda: service.worth(CONNECTION, named, other))
    assert service.worth(CONNECTION, named, other) is CertificateStatus.ACCEPTED
    given = calls_of(lambda: service.contract(CONNECTION, CONTRACT))
    found = {"known": known, "asked": asked, "contract": given}
    assert {it: dict(calls) for it, calls in found.items()} == {it: dict(price.CALLS[it]) for it in found}


def test_a_contract_is_cheap_and_whoever_is_asked_outside_is_named() -> None:
    assert price.aws_usd() < 0.0005
    assert price.outside().keys() == {"contract", "roots", "responder"}
    assert all({"whom", "usd", "limits", "source", "seen"} <= it.keys() for it in price.outside().values())
    assert "by agreement" in price.sheet().markdown()
