"""Payments go on whatever else is asked: who may run how often at once, and what each door lets in.

Stripe's webhook has a function of its own, the API's code once more, so that a thousand operators who wait for their
chargers' answers, each for up to 25 seconds, take none of its places. Places are reserved (and so bounded) for it, for
each step of the workflow and for the API, where parameters say so: a new account has no room for that, and AWS leaves
100 to all other functions. Each door lets in so many a second, whoever knocks.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from infrastructure.stage import Resources, logical_id, ref

WEBHOOK = "StripeWebhook"
_WEBHOOK_PATH = "/v1/webhooks/stripe"
_COMMANDS_PATH = "/v1/operator/chargers/{charger_id}/commands"
# What an account with room gives each, of a thousand: beside them 450 are left to sockets and schedules, which need
# 250 when the whole fleet comes back (docs/scale.md). Browsers, whoever opens them, get no more than theirs.
_OF_A_THOUSAND = {
    "api_handler": 200,
    "stripe_webhook": 50,
    "viewers": 20,
    "tell_viewers": 60,
    "place_hold": 40,
    "start_charging": 20,
    "await_end": 20,
    "stop_charging": 20,
    "settle": 80,
    "issue_receipt": 20,
    "abort": 20,
}
_ROOM = 1_000
# Requests, frames and connects a second. An account has 10,000 of the first two in all, and 500 new sockets.
_REQUESTS_PER_S = 2_000
_FRAMES_PER_S = 7_000
_CONNECTS_PER_S = 500
_WEBHOOKS_PER_S = 500
# An answer is waited for up to 25 s: so many a second are so many places.
_COMMANDS_PER_S, _COMMANDS_AT_ONCE = 20, 100


def _parameter(function: str) -> str:
    """Ends with `Concurrency`: by that the preflight adds them up."""
    return f"{WEBHOOK if function == 'stripe_webhook' else _logical(function)}Concurrency"


def _logical(function: str) -> str:
    return "APIHandler" if function == "api_handler" else logical_id(function)


PARAMETERS: dict[str, Any] = {
    _parameter(function): {
        "Type": "Number",
        "Default": 0,
        "MinValue": 0,
        "Description": f"Places kept for {function}, which runs no more often at once; 0: none are, and it may",
    }
    for function in _OF_A_THOUSAND
}
CONDITIONS: dict[str, Any] = {f"Reserves{name}": {"Fn::Not": [{"Fn::Equals": [ref(name), "0"]}]} for name in PARAMETERS}


def affordable(account_limit: int) -> dict[str, str]:
    """The parameters' values for an account that runs so many functions at once; all 0 where that has no room."""
    share = account_limit // _ROOM
    return {_parameter(function): str(places * share) for function, places in _OF_A_THOUSAND.items()}


def answer_stripe_apart(resources: Resources) -> None:
    """A function of its own for what Stripe tells, among the resources that Chalice wrote."""
    resources[WEBHOOK] = deepcopy(resources["APIHandler"])
    permission = deepcopy(resources["APIHandlerInvokePermission"])
    permission["Properties"]["FunctionName"] = ref(WEBHOOK)
    resources[f"{WEBHOOK}InvokePermission"] = permission
    integration = resources["RestAPI"]["Properties"]["DefinitionBody"]["paths"][_WEBHOOK_PATH]["post"][
        "x-amazon-apigateway-integration"
    ]
    integration["uri"]["Fn::Sub"] = integration["uri"]["Fn::Sub"].replace("${APIHandler.Arn}", f"${{{WEBHOOK}.Arn}}")


def reserve(resources: Resources) -> None:
    """Keep places where parameters say so."""
    for function in _OF_A_THOUSAND:
        name = _parameter(function)
        logical = name.removesuffix("Concurrency")
        resources[logical]["Properties"]["ReservedConcurrentExecutions"] = {
            "Fn::If": [f"Reserves{name}", ref(name), ref("AWS::NoValue")]
        }


def throttle(resources: Resources) -> None:
    """Bound what each door lets in: neither takes the account's requests from the other, nor a flood from payments."""
    resources["RestAPIStage"]["Properties"]["MethodSettings"][0] |= _rate(_REQUESTS_PER_S, _REQUESTS_PER_S)
    resources["RestAPIStage"]["Properties"]["MethodSettings"] += [
        {"HttpMethod": "POST", "ResourcePath": _encoded(path)} | _rate(per_s, at_once)
        for path, per_s, at_once in (
            (_COMMANDS_PATH, _COMMANDS_PER_S, _COMMANDS_AT_ONCE),
            (_WEBHOOK_PATH, _WEBHOOKS_PER_S, _WEBHOOKS_PER_S),
        )
    ]
    stage = resources["WebsocketAPIStage"]["Properties"]
    stage["DefaultRouteSettings"] |= _rate(_FRAMES_PER_S, _FRAMES_PER_S)
    stage["RouteSettings"] = {"$connect": _rate(_CONNECTS_PER_S, _CONNECTS_PER_S)}


def _rate(per_s: int, at_once: int) -> dict[str, int]:
    return {"ThrottlingRateLimit": per_s, "ThrottlingBurstLimit": at_once}


def _encoded(path: str) -> str:
    """As a stage's method settings name a path: its slashes but the first are `~1`."""
    return "/" + path.replace("/", "~1")
