"""The canary's function: off unless chosen, its own role that may do next to nothing, and alarms that are its own."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import boto3
import pytest
from moto import mock_aws

from chalicelib.canary import person
from chalicelib.canary.handler import WITHIN_S
from infrastructure import alarms, canary, identity, operators
from infrastructure.cloudwatch import Any_
from infrastructure.stage import Stage
from tests.infrastructure.metric_math import Series, rings
from tests.infrastructure.test_template import of_type

STAGE = Stage("prod")
EVERYTHING = alarms.everything(STAGE)


def alarm(name: str) -> Any_:
    (found,) = (it for it in EVERYTHING if it.name == name)
    return found


def test_it_is_there_only_where_a_deployment_chooses_it(dev: dict[str, Any]) -> None:
    assert dev["Parameters"]["Canary"]["Default"] == "off"
    ours = {name: it for name, it in dev["Resources"].items() if name.startswith("Canary")}
    assert len(ours) == 9
    for name, it in ours.items():
        assert it["Condition"] == "HasCanary", name
    # Nothing else depends on what may not be there.
    others = json.dumps({name: it for name, it in dev["Resources"].items() if name not in ours})
    assert not [name for name in ours if f'"{name}"' in others or f"${{{name}" in others]


def test_it_may_write_its_log_and_nothing_else_in_aws(dev: dict[str, Any]) -> None:
    (policy,) = dev["Resources"]["CanaryRole"]["Properties"]["Policies"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    (resource,) = statement["Resource"]
    assert resource["Fn::Sub"].endswith(":log-group:/aws/lambda/kerb-dev-canary:*")


def test_it_knows_addresses_and_one_password_and_no_other_secret(dev: dict[str, Any]) -> None:
    told = dev["Resources"]["CanaryFunction"]["Properties"]["Environment"]["Variables"]
    assert told.keys() == {
        *(f"KERB_CANARY_{it}" for it in ("API_URL", "SOCKET_URL", "EMAIL", "PASSWORD")),
        "KERB_SECRETS_READ_AT",
    }
    assert told["KERB_CANARY_PASSWORD"] == {"Fn::Sub": "{{resolve:secretsmanager:${CanarySecret}}}"}
    # People's doors and chargers': the edge's, not API Gateway's own.
    assert told["KERB_CANARY_SOCKET_URL"] == dev["Outputs"]["ChargerUrl"]["Value"]
    assert told["KERB_CANARY_API_URL"] == dev["Outputs"]["ApiUrl"]["Value"]
    others = of_type(dev, "AWS::Lambda::Function")
    assert [name for name, it in others.items() if "Canary" in json.dumps(it)] == ["CanaryFunction"]


def test_its_password_is_one_that_the_pool_and_a_charger_take(dev: dict[str, Any]) -> None:
    made = dev["Resources"]["CanarySecret"]["Properties"]["GenerateSecretString"]
    # Secrets Manager takes one of each kind that is not left out (RequireEachIncludedType).
    assert made == {"PasswordLength": 32, "ExcludePunctuation": True}
    rules = identity.POOL["Policies"]["PasswordPolicy"]  # type: ignore[index]
    assert not rules["RequireSymbols"]
    # Basic credentials of OCPP 1.6 (security whitepaper, table 16) are of 16 to 40 characters.
    assert 16 <= made["PasswordLength"] <= 40


def test_a_round_is_over_before_the_next_and_before_its_function(dev: dict[str, Any]) -> None:
    function = dev["Resources"]["CanaryFunction"]["Properties"]
    assert function["Timeout"] > 5 * WITHIN_S
    assert function["Timeout"] < 60 * canary.EVERY_MINUTES
    assert Path(function["Handler"].rpartition(".")[0].replace(".", "/") + ".py").exists()


def test_it_acts_for_the_operator_whose_site_it_makes() -> None:
    assert person.OPERATOR == canary.OPERATOR


def rounds(failed: set[int]) -> Series:
    """A round each five minutes; those of these numbers fail."""
    minutes: list[list[float]] = [[1] if it % 5 == 0 else [] for it in range(600)]
    errors: list[list[float]] = [[float(it // 5 in failed)] if it % 5 == 0 else [] for it in range(600)]
    return {("AWS/Lambda", "Invocations"): minutes, ("AWS/Lambda", "Errors"): errors}


def test_one_round_that_fails_rings_nothing_and_two_of_three_do_until_it_charges_again() -> None:
    def when(failed: set[int]) -> list[int]:
        return [it for it in range(60, 500) if rings(alarm("canary-failed"), EVERYTHING, rounds(failed), it)]

    assert when({40}) == []
    assert when({40, 60, 80}) == []
    found = when({40, 42})
    assert found[0] in range(210, 216)
    assert found[-1] < 220
    outage = when(set(range(40, 60)))
    assert outage == list(range(outage[0], outage[-1] + 1))
    assert outage[-1] < 310


def test_a_canary_that_does_not_run_rings() -> None:
    assert rings(alarm("canary-absent"), EVERYTHING, {}, 500)
    assert not rings(alarm("canary-absent"), EVERYTHING, rounds(set()), 500)


def test_its_account_is_made_by_the_password_that_its_function_was_told_and_nobody_is_mailed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with mock_aws():
        cognito = boto3.client("cognito-idp")
        pool = cognito.create_user_pool(PoolName="kerb-prod", **identity.POOL)["UserPool"]["Id"]  # type: ignore[arg-type]
        client = cognito.create_user_pool_client(UserPoolId=pool, ClientName="c", **identity.CLIENT)  # type: ignore[arg-type]
        secret = boto3.client("secretsmanager").create_secret(Name="any", SecretString="Aa1" + "x" * 29)["ARN"]
        function = Mock(return_value={"Payload": io.BytesIO(b'{"login": 400, "connect": 1100}')})
        monkeypatch.setattr(operators, "_invoke", function)
        assert operators.make_canary(pool, STAGE, secret) == "charged in 1.5 s"
        function.return_value = {
            "Payload": io.BytesIO(b'{"errorMessage": "connect: 401"}'),
            "FunctionError": "Unhandled",
        }
        assert operators.make_canary(pool, STAGE, secret) == "FAILED at connect: 401"
        assert function.call_args.args == ("kerb-prod-canary",)
        told = cognito.initiate_auth(
            ClientId=client["UserPoolClient"]["ClientId"],
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": canary.email(STAGE), "PASSWORD": "Aa1" + "x" * 29},
        )
        assert told["AuthenticationResult"]["AccessToken"]
        assert canary.email(STAGE).endswith(".invalid")
        groups = cognito.admin_list_groups_for_user(UserPoolId=pool, Username=canary.email(STAGE))["Groups"]
        assert [it["GroupName"] for it in groups] == ["operator:canary"]
        # Somebody must still be made an operator.
        assert not operators.has_operators(pool)


@pytest.mark.parametrize("module", sorted(Path("chalicelib/canary").glob("*.py")), ids=lambda it: it.name)
def test_it_ships_and_needs_nothing_that_does_not_ship(module: Path) -> None:
    outside = set(re.findall(r"^(?:from|import) (\w+)", module.read_text(), re.MULTILINE))
    stdlib = {"__future__", "base64", "hashlib", "itertools", "json", "os", "socket", "ssl", "time"}
    assert outside - stdlib <= {
        "chalicelib",
        "urllib3",
        "collections",
        "contextlib",
        "dataclasses",
        "datetime",
        "typing",
        "urllib",
    }
