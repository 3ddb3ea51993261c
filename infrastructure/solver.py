"""The layer that carries the planner's solver (HiGHS, numpy): 60 MB that one function loads and no other is sent.

It has a zip of its own beside the code's, named by its content like that one, so that few releases make another.
"""

from __future__ import annotations

from infrastructure import libraries
from infrastructure.stage import Resources, ref

FUNCTION, LAYER = "PlanSites", "SolverLayer"
PARAMETERS = {"SolverKey": {"Type": "String", "Description": "Where the planner's solver is, in the same bucket"}}


def attach(resources: Resources) -> None:
    """Lambda unpacks it to /opt, whose `python` folder is on the path of the function that has it."""
    resources[FUNCTION]["Properties"]["Layers"] = [ref(LAYER)]
    resources[LAYER] = {
        "Type": "AWS::Lambda::LayerVersion",
        "Properties": {
            "CompatibleArchitectures": ["arm64"],
            "CompatibleRuntimes": [f"python{libraries.PYTHON}"],
            "Content": {"S3Bucket": ref("CodeBucket"), "S3Key": ref("SolverKey")},
        },
    }
