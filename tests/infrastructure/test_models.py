"""The models that Lambda gets say of each service what botocore's own say."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import botocore
import pytest
from botocore.loaders import JSONFileLoader, Loader
from botocore.session import Session

from infrastructure import libraries, models

DATA = Path(botocore.__file__).with_name("data")
SERVICES = sorted(libraries.services_used(Path(__file__).parents[2] / "chalicelib"))


@pytest.fixture(scope="module")
def shortened(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for name in SERVICES:
        shutil.copytree(DATA / name, folder / name)
    shutil.copytree(DATA / "textract", folder / "textract")
    for file in DATA.glob("*.json"):
        shutil.copy(file, folder)
    models.shorten(folder, set(SERVICES))
    return folder


class _Files(JSONFileLoader):
    """Reads from the disc each time: what a process keeps of its models, whoever uses it may have changed."""

    def load_file(self, file_path: str) -> Any:
        plain, packed = Path(f"{file_path}.json"), Path(f"{file_path}.json.gz")
        if plain.exists():
            return json.loads(plain.read_bytes())
        return json.loads(gzip.decompress(packed.read_bytes())) if packed.exists() else None


def _loader(folder: Path) -> Loader:
    return Loader([str(folder)], file_loader=_Files(), include_default_search_paths=False)


def _session(folder: Path) -> Session:
    session = Session(include_builtin_handlers=False)
    session.register_component("data_loader", _loader(folder))
    session.set_credentials("key", "secret")
    return session


def _without_prose(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _without_prose(it) for name, it in value.items() if name != "documentation" or not isinstance(it, str)
        }
    return [_without_prose(it) for it in value] if isinstance(value, list) else value


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_called_as_by_botocores_own_model(shortened: Path, service: str) -> None:
    ours, theirs = (_loader(it).load_service_model(service, "service-2") for it in (shortened, DATA))
    assert ours == _without_prose(theirs)
    for region in ("eu-central-1", "us-east-1", "us-gov-west-1", "cn-north-1"):
        made = [_session(it).create_client(service, region) for it in (shortened, DATA)]
        assert len({it.meta.endpoint_url for it in made}) == 1
        assert len({it.meta.service_model.signing_name for it in made}) == 1


def test_a_start_reads_neither_manuals_nor_what_is_not_called(shortened: Path) -> None:
    assert not (shortened / "textract").exists()
    assert (shortened / "endpoints.json").stat().st_size * 10 < (DATA / "endpoints.json").stat().st_size
    assert not list(shortened.rglob("service-2.json.gz"))
    assert not list(shortened.rglob("examples-1.json"))
