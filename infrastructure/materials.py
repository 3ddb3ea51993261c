"""The bill of materials of a package (CycloneDX): every distribution that lies in it, read from the package itself."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

from cyclonedx.factory.license import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL


def bill(*folders: Path) -> str:
    """CycloneDX 1.6 JSON of the distributions in `folders`. What Chalice copies of itself has none and is not named."""
    components = [_component(it) for it in distributions(path=[str(it) for it in folders])]
    return JsonV1Dot6(Bom(components=components)).output_as_string(indent=2)


def _component(found: Distribution) -> Component:
    licences = LicenseFactory()
    return Component(
        name=found.name,
        version=found.version,
        type=ComponentType.LIBRARY,
        purl=PackageURL("pypi", name=found.name.lower().replace("_", "-"), version=found.version),
        licenses=[licences.make_from_string(it) for it in _licences(found)],
    )


def _licences(found: Distribution) -> Iterator[str]:
    """The SPDX expression; or the older field, which some fill with a licence's whole text; or the classifier."""
    told = [*found.metadata.get_all("License-Expression", []), *found.metadata.get_all("License", []), ""][0]
    classified = [it for it in found.metadata.get_all("Classifier", []) if it.startswith("License ::")]
    yield from told.strip().splitlines()[:1] or [it.split(" :: ")[-1] for it in classified]
