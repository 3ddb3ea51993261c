"""A stage is one deployment of everything; whatever is in it carries the stage's name, so that two fit one account."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

APP = "kerb"
STAGES = ("dev", "prod")
# Where Kerb may be deployed: everything it uses is there. The template is linted for each.
REGIONS = (
    "eu-central-1", "eu-west-1", "eu-west-2", "eu-north-1", "eu-south-2",
    "us-east-1", "us-east-2", "us-west-2", "ca-central-1", "sa-east-1",
    "ap-northeast-1", "ap-southeast-1", "ap-southeast-2",
)  # fmt: skip
# What holds money or history outlives its stack in production. What the deployment that first made it takes back goes
# with it: it is empty, and its name would stand in the next try's way. So nothing here may refuse its deletion either:
# that comes after (protection.py).
KEEP = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}
DROP = {"DeletionPolicy": "Delete", "UpdateReplacePolicy": "Delete"}

Resources = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stage:
    """`Stage("dev")`: its names, and how careful it is."""

    name: str

    def __post_init__(self) -> None:
        if self.name not in STAGES:
            raise ValueError(f"there is no stage {self.name!r}: {', '.join(STAGES)}")

    @property
    def is_production(self) -> bool:
        return self.name == "prod"

    @property
    def stack(self) -> str:
        return f"{APP}-{self.name}"

    @property
    def prefix(self) -> str:
        """What tables, functions and the rest are named with."""
        return f"{self.stack}-"

    @property
    def fate(self) -> dict[str, str]:
        """What becomes of data when the stack goes."""
        return KEEP if self.is_production else DROP

    @property
    def log_days(self) -> int:
        return 90 if self.is_production else 14


def logical_id(name: str) -> str:
    """`place_hold` as CloudFormation (and Chalice) names it: `PlaceHold`."""
    return "".join(part.capitalize() for part in re.split(r"[_-]", name))


def arn(service: str, resource: str) -> dict[str, str]:
    """An ARN in this stack's own account and region; `resource` may hold `${...}`."""
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{resource}"}


def attribute(resource: str, name: str) -> dict[str, list[str]]:
    return {"Fn::GetAtt": [resource, name]}


def ref(resource: str) -> dict[str, str]:
    return {"Ref": resource}
