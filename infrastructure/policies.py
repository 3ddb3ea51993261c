"""The handwritten policies say which thing; here each becomes this stage's thing in this account and nothing else.

In `.chalice/policy-*.json` an ARN is written with `*` for region and account and `kerb-` for the stage's prefix.
"""

from __future__ import annotations

import re
from typing import Any

from infrastructure import transparency
from infrastructure.stage import APP, Resources, Stage, arn, attribute

MAPS = "arn:${AWS::Partition}:geo-routes:${AWS::Region}::provider/default"
# Whom mail comes from is a parameter, and no thing of this stack (identity.py).
SENDER = "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:identity/${MailIdentity}"
_ARN = re.compile(r"arn:aws:(?P<service>[\w-]+):\*:\*:(?P<resource>.+)")


def narrow(resources: Resources, stage: Stage) -> None:
    """Replace every ARN of every role's policies. Raises ValueError for one that would stay open."""
    for resource in resources.values():
        if resource["Type"] == "AWS::IAM::Role":
            for policy in resource["Properties"].get("Policies", []):
                for statement in policy["PolicyDocument"]["Statement"]:
                    statement["Resource"] = [_narrowed(it, stage) for it in statement["Resource"]]


def _narrowed(resource: str, stage: Stage) -> Any:  # noqa: PLR0911, PLR0912 (one for each service)
    written = _ARN.fullmatch(resource)
    if written is None:
        raise ValueError(f"{resource} is not written as arn:aws:{{service}}:*:*:{{resource}}")
    service, name = written["service"], written["resource"]
    match service:
        case "execute-api" if name == "*/*/*/@connections/*":
            return arn(service, "${WebsocketAPI}/*/*/@connections/*")
        case "execute-api" if name == "live/*/*/@connections/*":
            return arn(service, "${LiveAPI}/*/*/@connections/*")
        case "states" if name == f"stateMachine:{APP}-*":
            return arn(service, f"stateMachine:{stage.prefix}session")
        case "cognito-idp" if name == "userpool/*":
            return attribute("UserPool", "Arn")
        case "dynamodb" if name.startswith(f"table/{APP}-"):
            return arn(service, name.replace(f"table/{APP}-", f"table/{stage.prefix}", 1))
        # The maps are everybody's: AWS has no resource of one's own for them.
        case "geo-routes" if name == "provider/default":
            return {"Fn::Sub": MAPS}
        case "sns" if name == f"{APP}-*":
            return arn(service, f"{stage.prefix}*")
        # Push platforms, and the devices under them: made beside this stack, by names of the same form.
        case "sns" if name in (f"app/*/{APP}-*", f"endpoint/*/{APP}-*"):
            return arn(service, name.replace(f"/{APP}-", f"/{stage.prefix}", 1))
        case "ses" if name == "identity/*":
            return {"Fn::Sub": SENDER}
        case "kms" if name == f"key/{APP}-log":
            return attribute("LogKey", "Arn")
        case "kms" if name == f"key/{APP}":
            return attribute("Key", "Arn")
        case "s3" if name == f"{APP}-log":
            return attribute("TransparencyBucket", "Arn")
        case "s3" if name == f"{APP}-log/*":
            return transparency.files_arn()
        case "sqs" if name.startswith(f"{APP}-"):
            return arn(service, name.replace(f"{APP}-", stage.prefix, 1))
        case "lambda" if name.startswith(f"function:{APP}-"):
            return arn(service, name.replace(f"function:{APP}-", f"function:{stage.prefix}", 1))
        case "logs" if name == f"log-group:/aws/lambda/{APP}-*":
            return arn(service, f"log-group:/aws/lambda/{stage.prefix}*:*")
    raise ValueError(f"{resource} names nothing of this stack")
