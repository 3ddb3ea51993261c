"""Factur-X: the printed invoice is an archive's PDF that carries its own XML, and says so of itself."""

from __future__ import annotations

import struct
from dataclasses import replace
from io import BytesIO
from typing import Any

import facturx
import pytest
from lxml import etree
from PIL import ImageCms
from pypdf import PdfReader

from chalicelib.domain.languages import LANGUAGES
from chalicelib.domain.money.invoice import Invoice, credit_note_of
from chalicelib.handlers.money.paper.archival import grey_profile
from chalicelib.handlers.money.paper.invoice_sheet import invoice_sheet
from chalicelib.handlers.money.paper.pdf import document_of
from chalicelib.protocol.en16931 import cii
from tests.protocol.en16931.authority import broken_rules
from tests.protocol.en16931.test_invoices import BUYER, DAY, SELLER, USUAL, drafted, issued, receipt, refund

INVOICE = issued(drafted(receipt(USUAL)))
NOTE = issued(credit_note_of(INVOICE, receipt(USUAL), refund(USUAL, 100, []), DAY, DAY))


def printed(it: Invoice) -> bytes:
    return document_of(invoice_sheet(it), cii.written(it)).encode()


def catalog(document: bytes) -> Any:
    return PdfReader(BytesIO(document)).trailer["/Root"].get_object()


def text_of(document: bytes) -> str:
    return "\n".join(it.extract_text() for it in PdfReader(BytesIO(document)).pages)


@pytest.mark.parametrize("paper", [INVOICE, NOTE], ids=["invoice", "credit note"])
def test_what_it_carries_is_an_alternative_of_its_pages_and_passes_the_authorities_rules(paper: Invoice) -> None:
    root = catalog(printed(paper))
    (attached,) = (it.get_object() for it in root["/AF"])
    assert (attached["/AFRelationship"], attached["/F"], attached["/UF"]) == (
        "/Alternative",
        "factur-x.xml",
        "factur-x.xml",
    )
    assert [it if isinstance(it, str) else it.get_object() for it in root["/Names"]["/EmbeddedFiles"]["/Names"]] == [
        "factur-x.xml",
        attached,
    ]
    embedded = attached["/EF"]["/F"].get_object()
    assert (embedded["/Type"], embedded["/Subtype"]) == ("/EmbeddedFile", "/text/xml")
    assert embedded.get_data() == cii.written(paper)
    assert embedded["/Params"]["/Size"] == len(cii.written(paper))
    assert broken_rules(embedded.get_data()) == []


def test_the_standards_own_package_finds_its_xml() -> None:
    name, xml = facturx.get_xml_from_pdf(printed(INVOICE))
    assert (name, broken_rules(xml)) == ("factur-x.xml", [])


def test_it_says_that_it_is_pdf_a_3b_and_factur_x_by_en_16931() -> None:
    root = catalog(printed(INVOICE))
    metadata = root["/Metadata"].get_object()
    # ISO 19005-3 §6.6.2.1: what it says of itself is readable to who knows nothing of PDF.
    assert "/Filter" not in metadata
    packet = etree.fromstring(metadata.get_data().strip())
    said = {etree.QName(it).localname: (it.text or "").strip() for it in packet.iter("{*}*")}
    assert {it: said[it] for it in ("part", "conformance", "DocumentType", "DocumentFileName", "ConformanceLevel")} == {
        "part": "3",
        "conformance": "B",
        "DocumentType": "INVOICE",
        "DocumentFileName": "factur-x.xml",
        "ConformanceLevel": "EN 16931",
    }
    # Every property of a namespace that PDF/A does not know is explained (§6.6.2.3.3).
    explained = {it.text for it in packet.iter("{http://www.aiim.org/pdfa/ns/property#}name")}
    used = {etree.QName(it).localname for it in packet.iter("{urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#}*")}
    assert explained == used == {"DocumentType", "DocumentFileName", "Version", "ConformanceLevel"}


def test_what_an_archive_forbids_is_not_in_it() -> None:
    odd = {"seller": replace(SELLER, name="A & \x07 <B>"), "buyer": replace(BUYER, name="漢字 Ltd \x07")}
    document = printed(issued(drafted(receipt(USUAL), **odd)))
    packet = etree.fromstring(catalog(document)["/Metadata"].get_object().get_data().strip())
    assert "A &  <B>" in packet.itertext()
    reader: Any = PdfReader(BytesIO(document))
    assert not reader.is_encrypted
    assert reader.trailer["/ID"]
    for forbidden in (b"/JavaScript", b"/LZWDecode", b"/Encrypt", b"/AA", b"/OpenAction"):
        assert forbidden not in document
    # §6.2.11.4: each font is in it. §6.2.11.8: nothing is shown by the glyph that stands for none.
    for page in reader.pages:
        font = page["/Resources"]["/Font"]["/F"]["/DescendantFonts"][0].get_object()
        assert "/FontFile2" in font["/FontDescriptor"]
        assert b"<0000" not in page.get_contents().get_data()
    assert "□□ Ltd" in text_of(document)
    document.decode("utf-8")


def test_its_grey_is_a_profile_that_others_can_read() -> None:
    (intent,) = (it.get_object() for it in catalog(printed(INVOICE))["/OutputIntents"])
    stream = intent["/DestOutputProfile"].get_object()
    assert (intent["/S"], stream["/N"], stream.get_data()) == ("/GTS_PDFA1", 1, grey_profile())
    read = ImageCms.ImageCmsProfile(BytesIO(grey_profile()))
    assert (read.profile.xcolor_space.strip(), read.profile.device_class) == ("GRAY", "mntr")
    assert struct.unpack(">L", grey_profile()[:4]) == (len(grey_profile()),)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pages_say_what_the_xml_says(language: str) -> None:
    paper = replace(INVOICE, draft=replace(INVOICE.draft, language=language))
    shown = " ".join(text_of(printed(paper)).split())
    for said in (paper.number, "DE123456789", "ATU12345678", "04011000-12345-34", "Acme Ltd", "1010 Wien"):
        assert said in shown, said
    draft = paper.draft
    nets_minor = [*(it.net_minor for it in draft.lines), *(it.net_minor for it in draft.taxes)]
    for minor in (draft.total_minor, *nets_minor):
        # Only digits: what stands between them is the language's.
        assert str(minor) in "".join(it for it in shown if it.isdigit())


def test_a_credit_note_names_its_invoice() -> None:
    note = replace(NOTE, number="2026-000002")
    shown = text_of(printed(note))
    assert shown.startswith("Credit note")
    assert INVOICE.number in shown


def test_the_same_paper_is_the_same_bytes() -> None:
    assert printed(INVOICE) == printed(INVOICE)
