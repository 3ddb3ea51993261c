"""What makes a printed paper PDF/A-3b and Factur-X: it says so of itself, says what its black is, and carries its XML.

ISO 19005-3 and Factur-X 1.0: the file `factur-x.xml` is an alternative of the pages (`AFRelationship`), so that
whoever reads either has read both. All of it is UTF-8 text, as the rest of the paper is.
"""

from __future__ import annotations

import base64
import hashlib
import struct
import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from chalicelib.domain.data_classes import dataclass

if TYPE_CHECKING:
    import pydyf  # type: ignore[import-untyped]

_FILE = "factur-x.xml"
_FX = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
# Factur-X: what its four properties are, in the words that a reader of PDF/A looks for.
_PROPERTIES = (
    ("DocumentFileName", "The name of the embedded XML document"),
    ("DocumentType", "The type of the hybrid document in capital letters, e.g. INVOICE or ORDER"),
    ("Version", "The actual version of the standard applying to the embedded XML document"),
    ("ConformanceLevel", "The conformance level of the embedded XML document"),
)
_D50 = (0xF6D6, 0x10000, 0xD32D)  # s15Fixed16: the white that all profiles refer to
_GAMMA = 0x0233  # 2.2 in u8Fixed8


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """The XML that a paper carries, and what it says of itself."""

    xml: bytes
    title: str
    author: str
    issued_at: datetime


def archive(pydyf: Any, document: pydyf.PDF, it: Carried) -> None:
    """Make a document an archive's, with its XML in it."""
    meta = pydyf.Stream([_xmp(it).encode()], {"Type": "/Metadata", "Subtype": "/XML"})
    document.add_object(meta)
    document.catalog["Metadata"] = meta.reference
    document.catalog["OutputIntents"] = pydyf.Array([_output_intent(pydyf, document)])
    file = _embedded(pydyf, document, it)
    document.catalog["AF"] = pydyf.Array([file])
    names = pydyf.Dictionary({"Names": pydyf.Array([pydyf.String(_FILE), file])})
    document.catalog["Names"] = pydyf.Dictionary({"EmbeddedFiles": names})


def _output_intent(pydyf: Any, document: pydyf.PDF) -> bytes:
    """What the grey that pages are drawn in looks like: every paper is black on white."""
    icc = pydyf.Stream(
        [base64.a85encode(zlib.compress(grey_profile(), 9), wrapcol=120) + b"~>"],
        {"Filter": pydyf.Array(["/ASCII85Decode", "/FlateDecode"]), "N": 1},
    )
    document.add_object(icc)
    intent = pydyf.Dictionary(
        {
            "Type": "/OutputIntent",
            "S": "/GTS_PDFA1",
            "OutputConditionIdentifier": pydyf.String("Grey gamma 2.2"),
            "Info": pydyf.String("Grey gamma 2.2"),
            "DestOutputProfile": icc.reference,
        }
    )
    document.add_object(intent)
    return bytes(intent.reference)


def _embedded(pydyf: Any, document: pydyf.PDF, it: Carried) -> bytes:
    embedded = pydyf.Stream(
        [base64.a85encode(zlib.compress(it.xml, 9), wrapcol=120) + b"~>"],
        {
            "Type": "/EmbeddedFile",
            "Subtype": "/text#2Fxml",
            "Filter": pydyf.Array(["/ASCII85Decode", "/FlateDecode"]),
            "Params": pydyf.Dictionary(
                {
                    "Size": len(it.xml),
                    "ModDate": pydyf.String(f"D:{it.issued_at.astimezone(UTC):%Y%m%d%H%M%S}Z"),
                    # PDF 32000-1, table 46 asks for MD5; it guards nothing here.
                    "CheckSum": f"<{hashlib.md5(it.xml, usedforsecurity=False).hexdigest()}>",
                }
            ),
        },
    )
    document.add_object(embedded)
    file = pydyf.Dictionary(
        {
            "Type": "/Filespec",
            "F": pydyf.String(_FILE),
            "UF": pydyf.String(_FILE),
            "Desc": pydyf.String("Factur-X invoice"),
            "AFRelationship": "/Alternative",
            "EF": pydyf.Dictionary({"F": embedded.reference, "UF": embedded.reference}),
        }
    )
    document.add_object(file)
    return bytes(file.reference)


def grey_profile() -> bytes:
    """A profile for grey by ICC.1:2001: how light each value is, and no more."""
    text = b"Grey gamma 2.2"
    described = struct.pack(">4s4xL", b"desc", len(text) + 1) + text + bytes(1 + 4 + 4 + 2 + 1 + 67)
    tags = {
        b"cprt": struct.pack(">4s4x", b"text") + b"No copyright\0",
        b"desc": described,
        b"kTRC": struct.pack(">4s4xLH", b"curv", 1, _GAMMA),
        b"wtpt": struct.pack(">4s4x3L", b"XYZ ", *_D50),
    }
    table, body, start = struct.pack(">L", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += struct.pack(">4sLL", name, start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    size = start + len(body)
    day = (2026, 1, 1, 0, 0, 0)
    return (
        struct.pack(">L4xL4s4s4s6H4s24x4x3L48x", size, 0x02100000, b"mntr", b"GRAY", b"XYZ ", *day, b"acsp", *_D50)
        + table
        + body
    )


def _told(text: str) -> str:
    """A text as XML can hold it."""
    return escape("".join(it for it in text if it.isprintable()))


def _xmp(it: Carried) -> str:
    """What the paper says of itself (XMP): what it is by PDF/A and by Factur-X, and where those words come from."""
    at = f"{it.issued_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}+00:00"
    described = "".join(
        f'<rdf:li rdf:parseType="Resource"><pdfaProperty:name>{name}</pdfaProperty:name>'
        "<pdfaProperty:valueType>Text</pdfaProperty:valueType><pdfaProperty:category>external</pdfaProperty:category>"
        f"<pdfaProperty:description>{what}</pdfaProperty:description></rdf:li>"
        for name, what in _PROPERTIES
    )
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/"
 ><pdfaid:part>3</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance></rdf:Description>
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
 ><dc:title><rdf:Alt><rdf:li xml:lang="x-default">{_told(it.title)}</rdf:li></rdf:Alt></dc:title
 ><dc:creator><rdf:Seq><rdf:li>{_told(it.author)}</rdf:li></rdf:Seq></dc:creator></rdf:Description>
<rdf:Description rdf:about="" xmlns:pdf="http://ns.adobe.com/pdf/1.3/"
 ><pdf:Producer>Kerb</pdf:Producer></rdf:Description>
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 ><xmp:CreateDate>{at}</xmp:CreateDate><xmp:ModifyDate>{at}</xmp:ModifyDate></rdf:Description>
<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"
 xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#"
 ><pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource"
 ><pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema
 ><pdfaSchema:namespaceURI>{_FX}</pdfaSchema:namespaceURI><pdfaSchema:prefix>fx</pdfaSchema:prefix
 ><pdfaSchema:property><rdf:Seq>{described}</rdf:Seq></pdfaSchema:property
 ></rdf:li></rdf:Bag></pdfaExtension:schemas></rdf:Description>
<rdf:Description rdf:about="" xmlns:fx="{_FX}"
 ><fx:DocumentType>INVOICE</fx:DocumentType><fx:DocumentFileName>{_FILE}</fx:DocumentFileName
 ><fx:Version>1.0</fx:Version><fx:ConformanceLevel>EN 16931</fx:ConformanceLevel></rdf:Description>
</rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""
