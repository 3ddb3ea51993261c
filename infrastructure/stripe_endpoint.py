"""Stripe's webhook endpoint of a stage: it sends exactly the events that are heard, signed with what the stage knows.

Stripe tells an endpoint's signing secret once, as it is made, so it goes straight into the stage's secret.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import boto3
import stripe

from chalicelib.adapters.money.stripe_webhooks import EVENTS
from infrastructure.stage import Stage

PATH = "v1/webhooks/stripe"
_UNSET = "unset"  # infrastructure/vault.py


def keys_for(stage: Stage, environment: Mapping[str, str]) -> tuple[str, str]:
    """The secret and the publishable key: of the environment, or those the stage has. Raises SystemExit without."""
    kept = _kept(stage)
    api_key = environment.get("STRIPE_API_KEY") or kept["api_key"]
    publishable = environment.get("STRIPE_PUBLISHABLE_KEY") or kept["publishable_key"]
    if _UNSET in (api_key, publishable):
        raise SystemExit("set STRIPE_API_KEY (sk_...) and STRIPE_PUBLISHABLE_KEY (pk_...) in the environment")
    live = {api_key.split("_")[1], publishable.split("_")[1]}
    if len(live) > 1:
        raise SystemExit(
            "STRIPE_API_KEY and STRIPE_PUBLISHABLE_KEY are not of one mode: one is live, the other a test's"
        )
    return api_key, publishable


def connect(stage: Stage, api_url: str, keys: tuple[str, str], client: Any = None) -> bool:
    """Make or mend the endpoint under `api_url`; whether the stage's secret has changed, and so must be told anew.

    Safe to repeat. An endpoint whose signing secret the stage does not know is made again, and the older one deleted:
    what it could not deliver the new one delivers, until the functions know its secret.
    """
    api_key, publishable = keys
    endpoints: Any = (client or stripe.StripeClient(api_key)).v1.webhook_endpoints
    url = f"{api_url.rstrip('/')}/{PATH}"
    wanted = sorted(EVENTS)
    kept = _kept(stage)
    signed = kept["webhook_secret"]
    mine = [it for it in endpoints.list({"limit": 100}).auto_paging_iter() if it.url == url]
    if signed != _UNSET and kept["api_key"] == api_key and len(mine) == 1:
        if sorted(mine[0].enabled_events) != wanted or mine[0].status != "enabled":
            endpoints.update(mine[0].id, {"enabled_events": wanted, "disabled": False})
    else:
        # In what shape events come is the endpoint's own: that which this release's library reads.
        made = endpoints.create(
            {
                "url": url,
                "enabled_events": wanted,
                "api_version": stripe.api_version,
                "description": stage.stack,
            }
        )
        signed = made.secret
    told = {"api_key": api_key, "webhook_secret": signed, "publishable_key": publishable}
    if told == kept:
        return False
    boto3.client("secretsmanager").put_secret_value(SecretId=_name(stage), SecretString=json.dumps(told))
    for older in mine if signed != kept["webhook_secret"] else ():
        endpoints.delete(older.id)
    return True


def is_connected(stage: Stage) -> bool:
    """Whether the stage has been told any keys at all."""
    return _UNSET not in _kept(stage).values()


def _kept(stage: Stage) -> dict[str, str]:
    """What the stage knows now; before its first deployment nothing."""
    client = boto3.client("secretsmanager")
    try:
        told = client.get_secret_value(SecretId=_name(stage))["SecretString"]
    except client.exceptions.ResourceNotFoundException:
        return dict.fromkeys(("api_key", "webhook_secret", "publishable_key"), _UNSET)
    return dict(json.loads(told))


def _name(stage: Stage) -> str:
    return f"{stage.stack}/stripe"
