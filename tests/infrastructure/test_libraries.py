"""What the package leaves out of its libraries no function misses: the app runs on what is left."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any

import pytest

from infrastructure import libraries, vault

ROOT = Path(__file__).parents[2]
SERVICES = libraries.services_used(ROOT / "chalicelib")
# Builds everything wiring builds, and asks each service for something: botocore reads its model, and nobody answers.
RUN = """
import sys
import app
from chalicelib import wiring
from chalicelib.adapters.tables import TABLES
from chalicelib.handlers.money import webhooks
from chalicelib.protocol.ocpp import dialect_for

network = wiring.network()
for name in dir(type(network)):
    getattr(network, name)
for version in ("ocpp1.6", "ocpp2.0.1", "ocpp2.1"):
    dialect_for(version).asks()
webhooks._hear_once()
failures = set()
for call in (
    lambda: TABLES[0].get("a", "b"),
    lambda: network.workflow.client.send_task_success(taskToken="a", output="{}"),
    lambda: network.accounts.log_in("a@example.com", "b"),
    lambda: network.link.send("a", "b"),
):
    try:
        call()
    except Exception as error:
        failures.add(type(error).__name__)
assert failures == {"GetError", "EndpointConnectionError"}, failures
import boto3, botocore, cryptography, jsonschema_rs, pydantic, pynamodb, stripe
for module in (boto3, botocore, cryptography, jsonschema_rs, pydantic, pynamodb, stripe):
    assert module.__file__.startswith(sys.argv[1]), module.__file__
"""


def closure(names: list[str]) -> dict[str, Distribution]:
    """These libraries and all they need on Lambda."""
    found: dict[str, Distribution] = {}
    while names:
        name = names.pop()
        if name.lower() not in found:
            found[name.lower()] = distribution(name)
            needed = [
                it for it in found[name.lower()].requires or [] if "extra ==" not in it and "python_version <" not in it
            ]
            names += [re.split(r"[\s\[<>=!~;(]", it)[0] for it in needed if "win32" not in it and "PyPy" not in it]
    return found


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This environment's libraries, trimmed as those for Lambda are, and the app among them."""
    folder = tmp_path_factory.mktemp("libraries")
    wanted = [re.split(r"[\[=]", line)[0] for line in (ROOT / "requirements.txt").read_text().splitlines()]
    names = [name for name in wanted if name and name[0] not in "#" and name != "chalice"]
    for library in closure([*names, "cryptography"]).values():
        for top in {it.parts[0] for it in library.files or [] if it.parts[0] not in ("..", "__pycache__")}:
            source = Path(str(library.locate_file(top)))
            if source.is_dir():
                shutil.copytree(source, folder / top, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
            elif source.exists():
                shutil.copy(source, folder)
    libraries.trim(folder, SERVICES)
    chalice = Path(str(distribution("chalice").locate_file("chalice")))
    (folder / "chalice").mkdir()
    for file in ("__init__.py", "app.py"):
        shutil.copy(chalice / file, folder / "chalice")
    shutil.copy(ROOT / "app.py", folder)
    shutil.copytree(ROOT / "chalicelib", folder / "chalicelib")
    return folder


def test_the_app_runs_on_what_is_left_of_its_libraries(package: Path) -> None:
    nowhere = "http://127.0.0.1:9"  # nothing listens there
    settings = dict.fromkeys([*vault.SETTINGS, "KERB_USER_POOL_CLIENT_ID", "KERB_OIDC_ISSUER"], "x" * 40)
    settings |= {"KERB_USER_POOL_ID": "us-east-1_x", "KERB_STATE_MACHINE_ARN": "arn:x", "KERB_OIDC_JWKS_URL": nowhere}
    settings |= {"KERB_SOCKET_ENDPOINT": nowhere, "AWS_ENDPOINT_URL": nowhere, "AWS_MAX_ATTEMPTS": "1"}
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, sys.argv[1])\n{RUN}", str(package)],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def test_nothing_of_ours_ships_but_the_app(chalices: dict[str, tuple[dict[str, Any], Path]]) -> None:
    _, zipped = chalices["prod"]
    ours = {name.partition("/")[0] for name in zipfile.ZipFile(zipped).namelist()}
    assert ours == {"app.py", "chalicelib", "chalice"}


def test_of_all_services_only_those_that_are_used_are_left(package: Path) -> None:
    left = {it.name for it in (package / "botocore/data").iterdir() if it.is_dir()}
    assert (
        left
        == SERVICES
        == {"dynamodb", "cognito-idp", "stepfunctions", "apigatewaymanagementapi", "sns", "sesv2", "geo-routes"}
    )


def test_only_wiring_makes_clients_of_aws() -> None:
    """Or `services_used` would not know of a service."""
    for path in (ROOT / "chalicelib").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and re.search(
                r"\b(boto3|[Ss]ession\w*)\.(client|resource)$", ast.unparse(node.func)
            ):
                raise AssertionError(f"{path}: {ast.unparse(node)}")
