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

from infrastructure import libraries, solver, vault
from infrastructure.package import CODE_BUDGET_BYTES, LARGEST_CODE_BYTES, _zip
from tests.patience import PATIENCE_S

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
    try:
        getattr(network, name)
    except ModuleNotFoundError as error:
        assert error.name == "highspy", error  # the planner's layer has it
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
            names += [re.split(r"[\s\[<>=!~;(]", it)[0] for it in needed if "win32" not in it and "== 'PyPy'" not in it]
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
    settings |= {
        "KERB_SOCKET_ENDPOINT": nowhere,
        "KERB_LIVE_ENDPOINT": nowhere,
        **dict.fromkeys(("KERB_LOG_NAME", "KERB_LOG_KEY", "KERB_LOG_BUCKET"), "x"),
        **dict.fromkeys(("KERB_CHAIN_CONTRACT", "KERB_CHAIN_PAYEE"), "0x" + "11" * 20),
        "KERB_CHAIN_RPC": nowhere,
        "KERB_CHAIN_ID": "1",
        "KERB_CHAIN_KEY": "11" * 32,
        "AWS_ENDPOINT_URL": nowhere,
        "AWS_MAX_ATTEMPTS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, sys.argv[1])\n{RUN}", str(package)],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr


# As Lambda calls them: module and name, in a process that is told which function it is.
START = """
import importlib, os, sys
for handler in sys.argv[2:]:
    module, _, name = handler.rpartition(".")
    assert callable(getattr(importlib.import_module(module), name)), handler
from zoneinfo import ZoneInfo, available_timezones
assert ZoneInfo("Europe/Berlin").key and len(available_timezones()) > 400
outside = [it.__file__ for it in sys.modules.values() if getattr(it, "__file__", None)]
outside = [it for it in outside if "site-packages" in it]
assert not outside, outside
"""


@pytest.fixture(scope="module")
def task_root(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip, unpacked as Lambda does: nobody may write there."""
    folder = tmp_path_factory.mktemp("zip")
    _zip(package, folder)
    root = tmp_path_factory.mktemp("task")
    with zipfile.ZipFile(folder / f"{package.name}.zip") as zipped:
        zipped.extractall(root)
    for path in sorted(root.rglob("*"), reverse=True):
        path.chmod(0o555 if path.is_dir() else 0o444)
    return root


@pytest.mark.parametrize("this_function", ["app.app", "app.on_message"])
def test_every_handler_starts_from_the_zip_alone_and_knows_the_worlds_clocks(
    task_root: Path, dev: dict[str, Any], this_function: str
) -> None:
    """Without this machine's libraries, and without its time zones: Lambda promises none."""
    handlers = {it["Properties"]["Handler"] for it in dev["Resources"].values() if "Handler" in it["Properties"]}
    assert len(handlers) > 15
    sockets = {it for it in handlers if it.startswith("app.on_")}
    called = handlers - sockets if this_function == "app.app" else sockets
    settings = {"AWS_DEFAULT_REGION": "us-east-1", "_HANDLER": this_function, "PYTHONTZPATH": "", "HOME": "/nowhere"}
    settings |= {"KERB_SOCKET_ENDPOINT": "https://example.com", "KERB_STATE_MACHINE_ARN": "arn:x"}
    code = f"import sys; sys.dont_write_bytecode = True; sys.path.insert(0, sys.argv[1])\n{START}"
    done = subprocess.run(
        [sys.executable, "-S", "-s", "-c", code, str(task_root), *sorted(called)],
        env={"PATH": os.environ["PATH"], **settings},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr


SOLVE = """
from chalicelib.adapters.grid.highs import Highs
from chalicelib.domain.grid.programs import LinearProgram
program = LinearProgram()
amount = program.amount(cost=-1.0, most=2.0)
program.limit([(amount, 1.0)], at_most=1.5)
assert list(Highs().solve(program)) == [1.5]
"""


def test_the_planners_layer_has_its_solver_and_no_other_function_has_the_layer(
    package: Path, dev: dict[str, Any], tmp_path: Path
) -> None:
    assert not (package / "highspy").exists()
    for library in closure(["highspy"]).values():
        for top in {it.parts[0] for it in library.files or [] if it.parts[0] not in ("..", "__pycache__")}:
            source = Path(str(library.locate_file(top)))
            if source.is_dir():
                shutil.copytree(source, tmp_path / top, ignore=shutil.ignore_patterns("__pycache__"))
    libraries.trim(tmp_path, set())
    code = f"import sys; sys.path[:0] = sys.argv[1:]\n{SOLVE}"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(package), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    having = {name for name, it in dev["Resources"].items() if it.get("Properties", {}).get("Layers")}
    assert having == {solver.FUNCTION}


def elf(machine: int, *versions: str) -> bytes:
    return b"\x7fELF" + bytes(14) + machine.to_bytes(2, "little") + b"\0".join(it.encode() for it in versions)


def test_a_library_that_lambda_could_not_load_is_not_packaged(tmp_path: Path) -> None:
    (tmp_path / "some").mkdir()
    library = tmp_path / "some" / "core.abi3.so"
    library.write_bytes(elf(183, "GLIBC_2.17", "GLIBC_2.34"))
    libraries.check(tmp_path)
    for other, why in (
        (elf(62, "GLIBC_2.17"), "is not for arm64"),
        (elf(183, "GLIBC_2.4", "GLIBC_2.38"), r"needs glibc 2\.38"),
        (b"text", "is not for arm64"),
    ):
        library.write_bytes(other)
        with pytest.raises(SystemExit, match=why):
            libraries.check(tmp_path)


def test_nothing_of_ours_ships_but_the_app(chalices: dict[str, tuple[dict[str, Any], Path]]) -> None:
    _, zipped = chalices["prod"]
    ours = {name.partition("/")[0] for name in zipfile.ZipFile(zipped).namelist()}
    assert ours == {"app.py", "chalicelib", "chalice"}


def test_what_is_packaged_keeps_its_budget_far_below_what_lambda_takes(package: Path) -> None:
    size = sum(it.stat().st_size for it in package.rglob("*") if it.is_file() and "__pycache__" not in it.parts)
    assert size < CODE_BUDGET_BYTES
    assert 1.4 * CODE_BUDGET_BYTES < LARGEST_CODE_BYTES


def test_of_all_services_only_those_that_are_used_are_left(package: Path) -> None:
    left = {it.name for it in (package / "botocore/data").iterdir() if it.is_dir()}
    of_people = {"cognito-idp", "sns", "sesv2", "geo-routes"}
    of_the_log = {"s3", "kms"}
    ours = {"dynamodb", "stepfunctions", "lambda", "apigatewaymanagementapi", "sqs"}
    assert left == SERVICES == {*ours, *of_people, *of_the_log}


def test_only_wiring_makes_clients_of_aws() -> None:
    """Or `services_used` would not know of a service."""
    for path in (ROOT / "chalicelib").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and re.search(
                r"\b(boto3|[Ss]ession\w*)\.(client|resource)$", ast.unparse(node.func)
            ):
                raise AssertionError(f"{path}: {ast.unparse(node)}")
