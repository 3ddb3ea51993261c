"""What Chalice declares and what it cannot become one CloudFormation template; nothing in it needs a transform."""

from __future__ import annotations

import copy
from typing import Any

from infrastructure import (
    access_logs,
    alarms,
    canary,
    concurrency,
    dashboard,
    edge,
    firewall,
    functions,
    identity,
    live,
    policies,
    queues,
    rest,
    rollout,
    sockets,
    solver,
    storage,
    tables,
    transparency,
    vault,
    web,
    workflow,
)
from infrastructure.plain import written_out
from infrastructure.stage import Stage, ref

# CloudFormation's own limits: bytes from S3, resources.
LARGEST_BYTES = 1_000_000
MOST_RESOURCES = 500
_PARAMETERS: dict[str, Any] = {
    "CodeBucket": {"Type": "String", "Description": "Where the functions' code is"},
    "CodeKey": {"Type": "String", "Description": "... and under which name"},
    "SecretsReadAt": {"Type": "String", "Description": "Another value, and all secrets are read again"},
}


def _tick_late(resources: dict[str, Any]) -> None:
    """No schedule runs before its tables are there, nor while they are taken away."""
    kept = sorted(name for name, it in resources.items() if it["Type"] == "AWS::DynamoDB::Table")
    for it in resources.values():
        if it["Type"] == "AWS::Events::Rule":
            it["DependsOn"] = kept


def assemble(from_chalice: dict[str, Any], stage: Stage) -> dict[str, Any]:
    """The whole template of a stage, from what `chalice package` wrote."""
    resources = copy.deepcopy(from_chalice["Resources"])
    policies.narrow(resources, stage)
    rest.refuse_in_our_words(resources, stage)
    concurrency.answer_stripe_apart(resources)
    rollout.call_the_alias(resources)
    sockets.complete(resources)
    resources = written_out(resources)
    rest.watch(resources)
    access_logs.write(resources)
    functions.complete(resources, stage)
    solver.attach(resources)
    concurrency.reserve(resources)
    concurrency.throttle(resources)
    api_stage = resources["WebsocketAPIStage"]["Properties"]["StageName"]
    for more in (
        tables.resources(stage),
        workflow.resources(stage),
        vault.resources(stage),
        identity.resources(stage),
        storage.resources(stage),
        transparency.resources(stage),
        web.resources(stage),
        queues.resources(stage),
        rest.domain(),
        live.resources(stage),
        access_logs.resources(stage),
        canary.resources(stage, resources["APIHandler"]),
        rollout.resources(stage),
        edge.resources(stage, api_stage),
        firewall.resources(stage),
        alarms.resources(stage),
        dashboard.resources(stage),
    ):
        if twice := more.keys() & resources.keys():
            raise ValueError(f"declared twice: {', '.join(sorted(twice))}")
        resources |= more
    _tick_late(resources)
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Kerb, stage {stage.name}",
        "Parameters": _PARAMETERS
        | functions.PARAMETERS
        | solver.PARAMETERS
        | rollout.parameters(stage)
        | rest.PARAMETERS
        | web.PARAMETERS
        | access_logs.PARAMETERS
        | canary.PARAMETERS
        | edge.PARAMETERS
        | firewall.PARAMETERS
        | alarms.PARAMETERS
        | identity.PARAMETERS
        | concurrency.PARAMETERS,
        "Conditions": rest.CONDITIONS
        | access_logs.CONDITIONS
        | canary.CONDITIONS
        | edge.CONDITIONS
        | firewall.CONDITIONS
        | alarms.CONDITIONS
        | identity.CONDITIONS
        | concurrency.CONDITIONS,
        "Resources": resources,
        "Outputs": from_chalice["Outputs"]
        | rest.OUTPUTS
        | live.OUTPUTS
        | edge.OUTPUTS
        | canary.OUTPUTS
        | transparency.OUTPUTS
        | web.OUTPUTS
        | {"UserPoolId": {"Value": ref("UserPool")}, "UserPoolClientId": {"Value": ref("UserPoolClient")}},
    }
