"""A stage's template is sound, closed by default, and gives every function what it asks for and nothing else."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from cfnlint.api import lint  # type: ignore[import-untyped]
from cfnlint.config import ManualArgs  # type: ignore[import-untyped]
from chalice.app import ScheduledEventConfig

import app as switchboard
from chalicelib.domain.charging.session import Reason
from chalicelib.handlers.http import observability as observe
from chalicelib.handlers.http.fields import Problem
from cli import limits
from cli.fleet import Fleet
from infrastructure import alarms, concurrency, firewall, identity, policies, rest, vault
from infrastructure.cloudwatch import Alarm, Formula, Metric
from infrastructure.stage import REGIONS, STAGES, Stage
from infrastructure.template import LARGEST_BYTES, MOST_RESOURCES
from local import identity as local_identity

ROOT = Path(__file__).parents[2]
Template = dict[str, Any]


def of_type(template: Template, kind: str) -> dict[str, dict[str, Any]]:
    return {name: it for name, it in template["Resources"].items() if it["Type"] == kind}


def variables(template: Template) -> dict[str, dict[str, Any]]:
    """Function -> its environment."""
    functions = of_type(template, "AWS::Lambda::Function").values()
    return {it["Properties"]["FunctionName"]: it["Properties"]["Environment"]["Variables"] for it in functions}


def statements(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, role in of_type(template, "AWS::IAM::Role").items():
        for policy in role["Properties"]["Policies"]:
            yield from ((name, it) for it in policy["PolicyDocument"]["Statement"])


@pytest.mark.parametrize("name", STAGES)
def test_cloudformation_has_nothing_to_complain_about(templates: dict[str, Template], name: str) -> None:
    # All regions that are sold to; the two stages are made of the same types.
    regions = list(REGIONS) if name == "prod" else ["eu-central-1"]
    found = lint(json.dumps(templates[name]), config=ManualArgs(regions=regions))
    assert [f"{it.rule.id} {it.message} {it.path}" for it in found] == []


@pytest.mark.parametrize("name", STAGES)
def test_a_template_fits_what_cloudformation_takes(templates: dict[str, Template], name: str) -> None:
    assert len(json.dumps(templates[name])) < LARGEST_BYTES
    assert len(templates[name]["Resources"]) < MOST_RESOURCES


def test_two_stages_fit_one_account(templates: dict[str, Template]) -> None:
    def names(template: Template) -> set[str]:
        keys = ("TableName", "FunctionName", "StateMachineName", "QueueName", "AlarmName", "LogGroupName", "TopicName")
        told = (it["Properties"].get(key) for it in template["Resources"].values() for key in keys)
        return {it for it in told if isinstance(it, str)}

    assert len(names(templates["dev"])) > 60
    assert not names(templates["dev"]) & names(templates["prod"])


def test_production_keeps_what_it_knows(templates: dict[str, Template]) -> None:
    for kind in ("AWS::DynamoDB::Table", "AWS::Cognito::UserPool", "AWS::KMS::Key", "AWS::S3::Bucket"):
        for it in of_type(templates["prod"], kind).values():
            assert (it["DeletionPolicy"], it["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


@pytest.mark.parametrize("name", STAGES)
def test_what_a_failed_deployment_has_made_is_gone_before_the_next_try(
    templates: dict[str, Template], name: str
) -> None:
    """Or it stands in its way: nearly everything has a name of its own."""
    for logical, it in templates[name]["Resources"].items():
        assert it.get("DeletionPolicy", "Delete") in ("Delete", "RetainExceptOnCreate"), logical
        # ... and what refuses its deletion could not be taken back at all: protection.py does that afterwards.
        for key, value in it["Properties"].items():
            assert "protection" not in key.lower() or value in (False, "INACTIVE"), f"{logical}: {key}"


@pytest.mark.parametrize("name", STAGES)
def test_a_log_group_that_was_taken_away_is_not_made_again_by_a_last_line(
    templates: dict[str, Template], name: str
) -> None:
    """Lambda writes lines late: with leave to make the group it stands in the next deployment's way."""
    for role, statement in statements(templates[name]):
        assert "logs:CreateLogGroup" not in statement["Action"], role
    groups = of_type(templates[name], "AWS::Logs::LogGroup")
    for function in of_type(templates[name], "AWS::Lambda::Function").values():
        assert function["Properties"]["LoggingConfig"]["LogGroup"]["Ref"] in groups


@pytest.mark.parametrize("name", STAGES)
def test_tables_with_indexes_are_made_one_after_another(templates: dict[str, Template], name: str) -> None:
    tables = of_type(templates[name], "AWS::DynamoDB::Table")
    indexed = {logical for logical, it in tables.items() if "GlobalSecondaryIndexes" in it["Properties"]}
    waits_for = {logical: set(tables[logical].get("DependsOn", [])) & indexed for logical in indexed}
    first = [logical for logical, before in waits_for.items() if not before]
    assert len(first) == 1
    made = first
    while more := [logical for logical, before in waits_for.items() if before == {made[-1]}]:
        made += more
        assert len(more) == 1
    assert set(made) == indexed


def test_no_schedule_runs_before_its_tables_are_there(dev: Template) -> None:
    tables = of_type(dev, "AWS::DynamoDB::Table").keys()
    for rule in of_type(dev, "AWS::Events::Rule").values():
        assert set(rule["DependsOn"]) >= tables


def test_every_table_is_encrypted_with_our_key_and_can_be_taken_back_to_any_second(dev: Template) -> None:
    for table in of_type(dev, "AWS::DynamoDB::Table").values():
        properties = table["Properties"]
        assert properties["SSESpecification"]["KMSMasterKeyId"] == {"Fn::GetAtt": ["Key", "Arn"]}
        assert properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]


def test_no_role_reaches_beyond_this_stage(dev: Template) -> None:
    for role, statement in statements(dev):
        for resource in statement["Resource"]:
            if resource == "*":  # AWS knows no narrower one
                assert (role, statement["Action"][0]) in {
                    ("SessionMachineRole", "logs:CreateLogDelivery"),
                    ("RolloutRole", "cloudwatch:DescribeAlarms"),
                }
            elif "Fn::Sub" in resource:
                written = resource["Fn::Sub"]
                if written in (policies.MAPS, policies.SENDER):
                    continue
                assert "${AWS::Region}:${AWS::AccountId}" in written
                ours = (":kerb-dev-", "/kerb-dev-", "${WebsocketAPI}/", "${LiveAPI}/")
                assert any(it in written for it in ours), written


def test_lambda_writes_no_lines_of_its_own_for_an_invocation(dev: Template) -> None:
    """START, END and REPORT were nearly all of the logs; what goes wrong is still told, and so is what we log."""
    functions = [it["Properties"] for it in dev["Resources"].values() if it["Type"] == "AWS::Lambda::Function"]
    assert functions
    for it in functions:
        logs = it["LoggingConfig"]
        assert logs["LogFormat"] == "JSON"
        assert logs["SystemLogLevel"] == {"Ref": "SystemLogs"}
        assert logs["ApplicationLogLevel"] == "INFO"
    assert dev["Parameters"]["SystemLogs"]["Default"] == "WARN"


def test_maps_are_asked_only_where_a_deployment_chooses_them(dev: Template) -> None:
    assert dev["Parameters"]["Maps"]["Default"] == ""
    api = dev["Resources"]["APIHandler"]["Properties"]["Environment"]["Variables"]
    assert api["KERB_MAPS"] == {"Ref": "Maps"}


@pytest.mark.parametrize(
    "resource",
    ["*", "arn:aws:dynamodb:*:*:table/other", "arn:aws:s3:*:*:bucket", "arn:aws:dynamodb:us-east-1:1:table/kerb-x"],
)
def test_a_policy_that_names_something_else_is_not_packaged(resource: str) -> None:
    policy = {"PolicyDocument": {"Statement": [{"Resource": [resource]}]}}
    role = {"Type": "AWS::IAM::Role", "Properties": {"Policies": [policy]}}
    with pytest.raises(ValueError, match=re.escape(resource)):
        policies.narrow({"Role": role}, Stage("dev"))


def test_whoever_is_told_a_secret_hears_of_a_new_one(dev: Template) -> None:
    """CloudFormation reads secrets again only for what it changes."""
    for name, it in dev["Resources"].items():
        if "{{resolve:secretsmanager" in json.dumps(it):
            assert "SecretsReadAt" in json.dumps(it), name


def settings_asked_for(folder: Path) -> set[str]:
    """Every `setting("NAME")` without a default: the app does not run without it."""
    trees = (ast.parse(path.read_text()) for path in folder.rglob("*.py"))
    calls = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call) and len(node.args) == 1)
    return {
        f"KERB_{ast.literal_eval(call.args[0])}"
        for call in calls
        if ast.unparse(call.func) in ("self.setting", "network().setting")
    }


def test_every_setting_the_app_cannot_do_without_is_wired(dev: Template) -> None:
    asked = settings_asked_for(ROOT / "chalicelib")
    assert len(asked) > 8
    for function in ("api_handler", "websocket_connect"):
        told = variables(dev)[f"kerb-dev-{function}"].keys()
        assert asked - vault.SETTINGS.keys() <= told
    assert asked & vault.SETTINGS.keys() == vault.SETTINGS.keys()


def test_a_secret_is_told_only_to_whom_it_concerns(dev: Template) -> None:
    for setting, (_, _, told) in vault.SETTINGS.items():
        knowing = {name.removeprefix("kerb-dev-") for name, it in variables(dev).items() if setting in it}
        assert knowing == set(told)


def test_no_secret_stands_in_the_template(dev: Template) -> None:
    for settings in variables(dev).values():
        for setting in vault.SETTINGS.keys() & settings.keys():
            assert settings[setting]["Fn::Sub"].startswith("{{resolve:secretsmanager:${")


def test_what_a_socket_is_answered_goes_back_as_route_response(dev: Template) -> None:
    resources = dev["Resources"]
    route = resources["WebsocketMessageRoute"]["Properties"]
    response = resources["WebsocketMessageRouteResponse"]["Properties"]
    assert (route["RouteKey"], route["RouteResponseSelectionExpression"]) == ("$default", "$default")
    assert (response["RouteId"], response["RouteResponseKey"]) == ({"Ref": "WebsocketMessageRoute"}, "$default")
    deployment = resources["WebsocketAPIStage"]["Properties"]["DeploymentId"]["Ref"]
    assert "WebsocketMessageRouteResponse" in resources[deployment]["DependsOn"]


@pytest.mark.parametrize("kind", ["3", "4", "5", "6"])
def test_what_is_not_answered_has_a_route_without_a_response_so_that_no_empty_frame_goes_back(
    dev: Template, kind: str
) -> None:
    resources = dev["Resources"]
    assert resources["WebsocketAPI"]["Properties"]["RouteSelectionExpression"] == "$request.body.[0]"
    route, default = (resources[f"WebsocketMessageRoute{it}"]["Properties"] for it in (kind, ""))
    assert route["RouteKey"] == kind
    assert route["Target"] == default["Target"]
    assert "RouteResponseSelectionExpression" not in route
    answered = [it for it in resources.values() if it["Type"] == "AWS::ApiGatewayV2::RouteResponse"]
    assert [it["Properties"]["RouteId"] for it in answered] == [{"Ref": "WebsocketMessageRoute"}]
    deployment = resources["WebsocketAPIStage"]["Properties"]["DeploymentId"]["Ref"]
    assert f"WebsocketMessageRoute{kind}" in resources[deployment]["DependsOn"]


@pytest.mark.parametrize("status", [401, 403, 404, 413, 415, 429, 500, 502, 504])
def test_what_the_gateway_refuses_it_refuses_with_a_problem(dev: Template, status: int) -> None:
    told = dev["Resources"]["RestAPI"]["Properties"]["Body"]["x-amazon-apigateway-gateway-responses"]
    refusals = [it for it in told.values() if it["statusCode"] == str(status)]
    assert refusals
    for it in refusals:
        problem = Problem.model_validate_json(it["responseTemplates"]["application/json"])
        assert problem.status == status
        assert it["responseParameters"]["gatewayresponse.header.Content-Type"] == "'application/problem+json'"
        # Without it a browser hides the answer from the page that asked.
        assert it["responseParameters"]["gatewayresponse.header.Access-Control-Allow-Origin"] == "'*'"


def test_a_method_that_a_route_lacks_is_refused_with_a_problem_that_names_those_it_has(dev: Template) -> None:
    for path, methods in dev["Resources"]["RestAPI"]["Properties"]["Body"]["paths"].items():
        integration = methods["x-amazon-apigateway-any-method"]["x-amazon-apigateway-integration"]
        assert integration["type"] == "mock", path
        told = integration["responses"]["default"]
        problem = Problem.model_validate_json(told["responseTemplates"]["application/json"])
        assert (problem.status, problem.type) == (405, "urn:kerb:problem:method_not_allowed")
        assert told["responseParameters"]["method.response.header.Content-Type"] == "'application/problem+json'"
        allowed = told["responseParameters"]["method.response.header.Allow"].strip("'").split(", ")
        assert set(allowed) == {it.upper() for it in methods if not it.startswith("x-")}


def test_strangers_and_checkouts_are_counted_by_address(dev: Template) -> None:
    rules = {it["Name"]: it for it in dev["Resources"]["ApiFirewall"]["Properties"]["Rules"]}
    assert {"logins", "checkouts", "strangers", "all"} <= rules.keys()
    for name in ("logins", "checkouts", "strangers", "all"):
        assert rules[name]["Statement"]["RateBasedStatement"]["AggregateKeyType"] == "IP"
    assert len({it["Priority"] for it in rules.values()}) == len(rules)


def test_an_account_is_counted_by_its_token_and_stripe_is_not_counted(dev: Template) -> None:
    rules = {it["Name"]: it["Statement"] for it in dev["Resources"]["ApiFirewall"]["Properties"]["Rules"]}
    by_token = rules["accounts"]["RateBasedStatement"]
    assert by_token["AggregateKeyType"] == "CUSTOM_KEYS"
    assert [it["Header"]["Name"] for it in by_token["CustomKeys"]] == ["authorization"]
    # A made-up token is a new account each time: the address bounds them all.
    assert by_token["Limit"] < rules["all"]["RateBasedStatement"]["Limit"] < 100 * by_token["Limit"]
    spared = {"NotStatement": {"Statement": firewall._matches({"UriPath": {}}, "ENDS_WITH", "/v1/webhooks/stripe")}}
    for name, statement in rules.items():
        if "RateBasedStatement" in statement:
            only = statement["RateBasedStatement"].get("ScopeDownStatement", {})
            parts = only.get("AndStatement", {}).get("Statements", [only])
            # Else it is of other paths, or of those who show a token, which Stripe does not.
            assert spared in parts or name in ("logins", "checkouts", "accounts"), name
    assert "/v1/webhooks/stripe" in dev["Resources"]["RestAPI"]["Properties"]["Body"]["paths"]


WORKFLOW = ("PlaceHold", "StartCharging", "AwaitEnd", "StopCharging", "Settle", "IssueReceipt", "Abort")
VIEWS = ("Viewers", "TellViewers")


def test_places_are_kept_for_payments_where_a_parameter_says_so_and_else_for_nobody(dev: Template) -> None:
    kept = {
        name: it["Properties"]["ReservedConcurrentExecutions"]
        for name, it in of_type(dev, "AWS::Lambda::Function").items()
        if "ReservedConcurrentExecutions" in it["Properties"]
    }
    assert kept.keys() == {*WORKFLOW, "APIHandler", "StripeWebhook", *VIEWS}
    for name, it in kept.items():
        condition, chosen, otherwise = it["Fn::If"]
        assert (chosen, otherwise) == ({"Ref": f"{name}Concurrency"}, {"Ref": "AWS::NoValue"})
        assert dev["Conditions"][condition] == {"Fn::Not": [{"Fn::Equals": [{"Ref": f"{name}Concurrency"}, "0"]}]}
        assert dev["Parameters"][f"{name}Concurrency"]["Default"] == 0
    assert concurrency.PARAMETERS.keys() == {f"{name}Concurrency" for name in kept}


@pytest.mark.parametrize(("limit", "share"), [(10, 0), (999, 0), (1_000, 1), (3_500, 3)])
def test_no_more_places_are_kept_than_an_account_can_spare(limit: int, share: int) -> None:
    values = concurrency.affordable(limit)
    assert values.keys() == concurrency.PARAMETERS.keys()
    assert sum(map(int, values.values())) == 550 * share
    # AWS keeps 100 for the rest; ours leaves what sockets and schedules need when all chargers come back.
    assert limit - sum(map(int, values.values())) >= min(limit, 450)


def test_stripe_is_heard_by_a_function_of_its_own_that_knows_what_the_api_knows(dev: Template) -> None:
    paths = dev["Resources"]["RestAPI"]["Properties"]["Body"]["paths"]
    called = {
        path: it["post"]["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
        for path, it in paths.items()
        if "post" in it
    }
    assert [path for path, uri in called.items() if "${StripeWebhook.Arn}" in uri] == ["/v1/webhooks/stripe"]
    apart, api = (dev["Resources"][name]["Properties"] for name in ("StripeWebhook", "APIHandler"))
    for what in ("Handler", "Code", "Role", "Runtime", "Timeout", "MemorySize", "Architectures"):
        assert apart[what] == api[what]
    assert apart["FunctionName"] == "kerb-dev-stripe_webhook"
    told = apart["Environment"]["Variables"]
    assert {"KERB_STRIPE_API_KEY", "KERB_STRIPE_WEBHOOK_SECRET", "KERB_TABLE_PREFIX"} <= told.keys()
    permission = dev["Resources"]["StripeWebhookInvokePermission"]["Properties"]
    assert permission["FunctionName"] == {"Ref": "StripeWebhook"}
    assert permission["Principal"] == "apigateway.amazonaws.com"


def test_neither_door_takes_the_accounts_requests_from_the_other(dev: Template) -> None:
    quota = json.loads((ROOT / "cli/data/quotas.json").read_text())["quotas"]
    settings = {it["ResourcePath"]: it for it in dev["Resources"]["RestAPIStage"]["Properties"]["MethodSettings"]}
    sockets = dev["Resources"]["WebsocketAPIStage"]["Properties"]
    requests = settings["/*"]["ThrottlingRateLimit"]
    frames = sockets["DefaultRouteSettings"]["ThrottlingRateLimit"]
    assert requests + frames < quota["api_requests_per_s"]["limit"]
    assert sockets["RouteSettings"]["$connect"]["ThrottlingRateLimit"] <= quota["connections_per_s"]["limit"]
    # What the fleet does when all of it comes back (docs/scale.md) goes through.
    load = limits.storm(Fleet(500_000, 100_000), 50_000, 500)
    assert frames > sum(load.events.values())


def test_browsers_have_a_door_of_their_own_that_holds_up_no_charger(dev: Template) -> None:
    found = dev["Resources"]
    stage, chargers = (found[name]["Properties"] for name in ("LiveStage", "WebsocketAPIStage"))
    assert stage["ApiId"] == {"Ref": "LiveAPI"} != chargers["ApiId"]
    routes = [it["Properties"] for it in of_type(dev, "AWS::ApiGatewayV2::Route").values()]
    assert {it["RouteKey"] for it in routes if it["ApiId"] == stage["ApiId"]} == {"$connect", "$default"}
    assert "${Viewers.Arn}" in found["LiveIntegration"]["Properties"]["IntegrationUri"]["Fn::Sub"]
    permission = found["LivePermission"]["Properties"]
    assert (permission["FunctionName"], permission["Principal"]) == ({"Ref": "Viewers"}, "apigateway.amazonaws.com")
    # However many knock, chargers have most of the account's sockets, frames and places.
    quota = json.loads((ROOT / "cli/data/quotas.json").read_text())["quotas"]
    knocks, said = (
        it["ThrottlingRateLimit"] for it in (stage["RouteSettings"]["$connect"], stage["DefaultRouteSettings"])
    )
    assert knocks <= quota["connections_per_s"]["limit"] / 5
    others = chargers["DefaultRouteSettings"]["ThrottlingRateLimit"]
    others += found["RestAPIStage"]["Properties"]["MethodSettings"][0]["ThrottlingRateLimit"]
    assert said + knocks + others < quota["api_requests_per_s"]["limit"]
    kept = concurrency.affordable(1_000)
    assert sum(int(kept[f"{it}Concurrency"]) for it in VIEWS) <= 100


def test_news_for_browsers_is_not_told_twice_nor_late(dev: Template) -> None:
    retries = dev["Resources"]["TellViewersRetries"]["Properties"]
    assert (retries["MaximumRetryAttempts"], retries["MaximumEventAgeInSeconds"]) == (0, 60)
    assert "DeadLetterConfig" not in dev["Resources"]["TellViewers"]["Properties"]


def test_plans_of_all_sites_in_the_same_minute_leave_places_to_all_others(dev: Template) -> None:
    capped = {
        it["Properties"]["FunctionName"]["Ref"]: it["Properties"]["ScalingConfig"]["MaximumConcurrency"]
        for it in dev["Resources"].values()
        if it["Type"] == "AWS::Lambda::EventSourceMapping" and "ScalingConfig" in it["Properties"]
    }
    assert capped == {"PlanSites": 50, "DemandResponse": 10, "SequenceLog": 2}


def test_operators_who_wait_for_answers_leave_places_to_all_others(dev: Template) -> None:
    settings = {it["ResourcePath"]: it for it in dev["Resources"]["RestAPIStage"]["Properties"]["MethodSettings"]}
    paths = {"/" + it.replace("/", "~1"): it for it in dev["Resources"]["RestAPI"]["Properties"]["Body"]["paths"]}
    assert settings.keys() - {"/*"} <= paths.keys()
    commands = settings["/~1v1~1operator~1chargers~1{charger_id}~1commands"]
    assert commands["ThrottlingBurstLimit"] <= int(concurrency.affordable(1_000)["APIHandlerConcurrency"]) / 2
    assert settings["/~1v1~1webhooks~1stripe"]["ThrottlingRateLimit"] >= 100


def test_a_refusal_of_the_gateway_reads_as_one_of_ours() -> None:
    problem = (ROOT / "chalicelib/handlers/http/problem.py").read_text()
    ours = set(re.findall(r'(\d{3}), "(\w+)"', problem))
    codes = {(str(status), code) for status, code, _ in rest.REFUSALS.values() if status in (401, 403, 404, 415, 400)}
    assert codes <= ours


def test_people_log_in_on_aws_as_on_a_laptop(monkeypatch: pytest.MonkeyPatch) -> None:
    made: dict[str, dict[str, Any]] = {}

    class Cognito:
        def create_user_pool(self, **options: Any) -> dict[str, Any]:
            made["pool"] = options
            return {"UserPool": {"Id": "pool"}}

        def set_user_pool_mfa_config(self, **options: Any) -> None:
            made["second factor"] = options

        def create_user_pool_client(self, **options: Any) -> dict[str, Any]:
            made["client"] = options
            return {"UserPoolClient": {"ClientId": "client"}}

    monkeypatch.setattr(boto3, "client", lambda _: Cognito())
    local_identity.create_user_pool()
    assert made["pool"] == {"PoolName": "kerb", **identity.POOL}
    assert made["client"] == {"UserPoolId": "pool", "ClientName": "kerb", **identity.CLIENT}
    asked = made["second factor"]
    assert {"MfaConfiguration": asked["MfaConfiguration"], "EnabledMfas": ["SOFTWARE_TOKEN_MFA"]} == (
        identity.SECOND_FACTOR
    )
    assert asked["SoftwareTokenMfaConfiguration"] == {"Enabled": True}


WATCHED = [
    *(
        Metric(it.namespace, it.metric, it.dimensions)
        for it in alarms.everything(Stage("prod"))
        if isinstance(it, Alarm)
    ),
    *(metric for it in alarms.everything(Stage("prod")) if isinstance(it, Formula) for metric in it.of.values()),
]
OURS = {(it.name, *it.dimensions.values()): it for it in WATCHED if it.namespace == "Kerb"}


@pytest.mark.parametrize("alarm", OURS.values(), ids=lambda it: it.name)
def test_an_alarm_of_our_own_watches_what_is_really_counted(
    alarm: Metric, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "kerb-prod")
    sources = "\n".join(path.read_text() for path in (ROOT / "chalicelib/handlers").rglob("*.py"))
    assert any(f'{how}("{alarm.name}"' in sources for how in ("count", "timed"))
    observe.count(alarm.name, **{name: value for name, value in alarm.dimensions.items() if name != "service"})
    told = json.loads(capsys.readouterr().out)
    described = told["_aws"]["CloudWatchMetrics"][0]
    assert described["Namespace"] == alarm.namespace
    assert {name: told[name] for name in described["Dimensions"][0]} == alarm.dimensions
    assert alarm.dimensions.get("reason") in {None, *Reason}


def test_every_alarm_tells_somebody_and_shows_on_the_dashboard(dev: Template) -> None:
    board = dev["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    assert len(json.loads(board)["widgets"]) > 10
    joined = of_type(dev, "AWS::CloudWatch::CompositeAlarm")
    rules = " ".join(it["Properties"]["AlarmRule"]["Fn::Sub"] for it in joined.values())
    parts = {name for name in of_type(dev, "AWS::CloudWatch::Alarm") if f'ALARM("${{{name}}}")' in rules}
    assert len(joined) == 8
    for name, it in (of_type(dev, "AWS::CloudWatch::Alarm") | joined).items():
        if name in parts:
            # It tells whoever is told by what it is a part of.
            assert "AlarmActions" not in it["Properties"]
            continue
        assert it["Properties"]["AlarmActions"] == it["Properties"]["OKActions"] == [{"Ref": "Alarms"}]
        # A board shows no alarm that may not be there.
        assert (f"${{{name}.Arn}}" in board) != ("Condition" in it)


def test_what_fails_in_the_background_is_kept(dev: Template) -> None:
    rules = of_type(dev, "AWS::Events::Rule")
    # The canary's rounds are no work that is to be done again: its own alarm tells of those that fail.
    of_canary = rules.pop("CanaryEvent")["Properties"]["Targets"][0]
    assert "DeadLetterConfig" not in of_canary
    assert of_canary["RetryPolicy"]["MaximumRetryAttempts"] == 0
    assert len(rules) == len([it for it in switchboard.app.event_sources if isinstance(it, ScheduledEventConfig)])
    for rule in rules.values():
        target = rule["Properties"]["Targets"][0]
        assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["Failures", "Arn"]}}
        function = dev["Resources"][target["Arn"]["Fn::GetAtt"][0]]["Properties"]
        assert function["DeadLetterConfig"] == {"TargetArn": {"Fn::GetAtt": ["Failures", "Arn"]}}


def test_an_attribute_can_be_added_to_a_pool_in_use_and_is_read_and_written_by_name() -> None:
    """Cognito adds custom attributes that nobody must have, and changes or takes away none: what was there stays."""
    pool: dict[str, Any] = dict(identity.POOL)
    client: dict[str, Any] = dict(identity.CLIENT)
    ours = {it["Name"]: it for it in pool["Schema"]}
    assert ours.keys() >= {"terms"}
    for name, attribute in ours.items():
        assert attribute["Mutable"], name
        assert not attribute.get("Required"), name
        # A client that names none may touch the standard ones only.
        for list_ in ("ReadAttributes", "WriteAttributes"):
            assert f"custom:{name}" in client[list_], name
    assert "email_verified" not in client["WriteAttributes"]


def test_nobody_can_delete_what_production_has_logged(templates: dict[str, Template]) -> None:
    """A stage that is taken down again locks nothing, or it could not be."""
    locks = {
        stage: template["Resources"]["TransparencyBucket"]["Properties"].get("ObjectLockConfiguration")
        for stage, template in templates.items()
    }
    assert locks["dev"] is None
    assert locks["prod"]["Rule"]["DefaultRetention"]["Mode"] == "COMPLIANCE"
    assert locks["prod"]["Rule"]["DefaultRetention"]["Days"] >= 10 * 365
