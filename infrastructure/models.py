"""Botocore's models of AWS as Lambda needs them: of the services that are called, and without prose.

Every function that speaks to AWS reads them when it starts. Of the endpoints of 400 services, 1.25 MB, it wants those
of a dozen; of a service's model three quarters are its manual, which comes packed. What a client does is the same.
"""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

_ENDPOINTS = "endpoints.json"
_SERVICE = "service-2.json"
_PROSE = "documentation"


def shorten(models: Path, services: set[str]) -> None:
    """Of the folder's models keep those of `services`, and in them what a client reads."""
    for service in (it for it in models.iterdir() if it.is_dir() and it.name not in services):
        shutil.rmtree(service)
    for examples in models.rglob("examples-1.json"):
        examples.unlink()
    hosts = {_unpacked(packed) for packed in models.rglob(f"{_SERVICE}.gz")}
    if (models / _ENDPOINTS).exists():
        _keep_endpoints(models / _ENDPOINTS, hosts)


def _unpacked(packed: Path) -> str:
    """Write the model beside its packed form, which goes; returns what its endpoints are listed under."""
    model = json.loads(gzip.decompress(packed.read_bytes()))
    packed.with_name(_SERVICE).write_text(_written(_without_prose(model)))
    packed.unlink()
    listed: str = model["metadata"]["endpointPrefix"]
    return listed


def _without_prose(value: Any) -> Any:
    """The same without its manual; a shape may have a member of that name, which is no text."""
    if isinstance(value, dict):
        kept = {name: it for name, it in value.items() if not (name == _PROSE and isinstance(it, str))}
        return {name: _without_prose(it) for name, it in kept.items()}
    return [_without_prose(it) for it in value] if isinstance(value, list) else value


def _keep_endpoints(path: Path, hosts: set[str]) -> None:
    known = json.loads(path.read_text())
    for partition in known["partitions"]:
        partition["services"] = {name: it for name, it in partition["services"].items() if name in hosts}
    path.write_text(_written(known))


def _written(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
