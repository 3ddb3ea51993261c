"""Stripe sends a stage exactly what it hears, signed with what it knows, however often that is set up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chalicelib.adapters.money.stripe_webhooks import EVENTS
from infrastructure import stripe_endpoint
from infrastructure.stage import Stage

DEV = Stage("dev")
API = "https://a.execute-api.eu-central-1.amazonaws.com/api/"
KEYS = ("sk_test_1", "pk_test_1")
SECRET = "kerb-dev/stripe"


@dataclass
class Endpoint:
    id: str
    url: str
    enabled_events: list[str]
    secret: str
    status: str = "enabled"


@dataclass
class Stripe:
    """Webhook endpoints as Stripe's API reference has them; `made` are the requests to create one."""

    there: dict[str, Endpoint] = field(default_factory=dict)
    made: list[dict[str, Any]] = field(default_factory=list)

    @property
    def v1(self) -> Stripe:
        return self

    @property
    def webhook_endpoints(self) -> Stripe:
        return self

    def list(self, _: Any) -> Stripe:
        return self

    def auto_paging_iter(self) -> Iterator[Endpoint]:
        return iter(tuple(self.there.values()))

    def create(self, told: dict[str, Any]) -> Endpoint:
        self.made.append(told)
        made = Endpoint(f"we_{len(self.made)}", told["url"], told["enabled_events"], f"whsec_{len(self.made)}")
        self.there[made.id] = made
        return made

    def update(self, name: str, told: dict[str, Any]) -> None:
        self.there[name].enabled_events = told["enabled_events"]
        self.there[name].status = "disabled" if told["disabled"] else "enabled"

    def delete(self, name: str) -> None:
        del self.there[name]


@pytest.fixture
def stripes() -> Iterator[Stripe]:
    with mock_aws():
        unset = {"api_key": "unset", "webhook_secret": "unset", "publishable_key": "unset"}
        boto3.client("secretsmanager").create_secret(Name=SECRET, SecretString=json.dumps(unset))
        yield Stripe()


def kept() -> dict[str, str]:
    told: dict[str, str] = json.loads(boto3.client("secretsmanager").get_secret_value(SecretId=SECRET)["SecretString"])
    return told


def test_the_endpoint_is_sent_exactly_what_is_heard_and_its_secret_is_kept(stripes: Stripe) -> None:
    assert not stripe_endpoint.is_connected(DEV)
    assert stripe_endpoint.connect(DEV, API, KEYS, stripes)
    (endpoint,) = stripes.there.values()
    assert endpoint.url == f"{API}v1/webhooks/stripe"
    assert set(endpoint.enabled_events) == EVENTS.keys()
    assert kept() == {"api_key": "sk_test_1", "webhook_secret": "whsec_1", "publishable_key": "pk_test_1"}
    assert stripe_endpoint.is_connected(DEV)


def test_done_again_it_does_nothing_but_mend(stripes: Stripe) -> None:
    stripe_endpoint.connect(DEV, API, KEYS, stripes)
    (endpoint,) = stripes.there.values()
    endpoint.enabled_events, endpoint.status = ["charge.refunded"], "disabled"
    assert not stripe_endpoint.connect(DEV, API, KEYS, stripes)
    assert len(stripes.made) == 1
    assert (set(endpoint.enabled_events), endpoint.status) == (set(EVENTS), "enabled")


def test_an_endpoint_whose_secret_nobody_knows_is_made_again(stripes: Stripe) -> None:
    stripes.create({"url": f"{API}v1/webhooks/stripe", "enabled_events": ["*"]})
    stripes.create({"url": "https://example.com/other", "enabled_events": ["*"]})
    assert stripe_endpoint.connect(DEV, API, KEYS, stripes)
    assert {it.url for it in stripes.there.values()} == {f"{API}v1/webhooks/stripe", "https://example.com/other"}
    assert kept()["webhook_secret"] == "whsec_3"


def test_another_account_of_stripes_has_an_endpoint_of_its_own(stripes: Stripe) -> None:
    stripe_endpoint.connect(DEV, API, KEYS, stripes)
    other = Stripe(made=[{}, {}, {}])
    assert stripe_endpoint.connect(DEV, API, ("sk_live_2", "pk_live_2"), other)
    assert kept() == {"api_key": "sk_live_2", "webhook_secret": "whsec_4", "publishable_key": "pk_live_2"}


def test_keys_come_from_the_environment_or_are_those_of_before(stripes: Stripe) -> None:
    with pytest.raises(SystemExit, match="STRIPE_API_KEY"):
        stripe_endpoint.keys_for(DEV, {})
    environment = {"STRIPE_API_KEY": "sk_test_1", "STRIPE_PUBLISHABLE_KEY": "pk_test_1"}
    assert stripe_endpoint.keys_for(DEV, environment) == KEYS
    with pytest.raises(SystemExit, match="mode"):
        stripe_endpoint.keys_for(DEV, environment | {"STRIPE_API_KEY": "rk_live_1"})
    stripe_endpoint.connect(DEV, API, KEYS, stripes)
    assert stripe_endpoint.keys_for(DEV, {}) == KEYS
