"""A receipt or refund note as PDF: the same bytes whenever and wherever it is printed, with only in it what it says.

Every byte is UTF-8 text (streams are in ASCII85): an API Gateway delivers text as it is, but bytes only to a client
whose Accept begins with a type declared as binary, which no browser's does (ADR 16).
"""

from __future__ import annotations

import base64
import hashlib
import io
import unicodedata
import zlib
from collections.abc import Iterable, Sequence
from datetime import UTC
from typing import TYPE_CHECKING, Any

from chalicelib.domain.data_classes import dataclass, field
from chalicelib.domain.money.receipt import Receipt
from chalicelib.handlers.money.paper.sheet import Row, Sheet, sheet
from chalicelib.handlers.money.paper.typeface import Typeface, typeface

if TYPE_CHECKING:
    import pydyf  # type: ignore[import-untyped]

_A4, _LETTER = (595.28, 841.89), (612.0, 792.0)
_MARGIN, _SIZE, _HEADING, _LEADING, _GAP = 54.0, 9.5, 17.0, 1.4, 12.0
_LABELS = 110.0  # how wide labels are
_SPACE = 8.0  # between the cells of a row
# What the face has no shape for; glyph 0, which would say so, is for no archive (ISO 19005-3 §6.2.11.8).
_UNKNOWN = "□"
_BOLD = 0.3  # how thick letters are drawn around to look bold


@dataclass(kw_only=True)
class _Ink:
    """What has been written, page by page, from the top down; `glyphs` are those it took, and for what."""

    face: Typeface
    width: float
    height: float
    pages: list[list[tuple[float, float, float, bool, str]]] = field(default_factory=lambda: [[]])
    y: float = 0.0

    def __post_init__(self) -> None:
        self.y = self.height - _MARGIN

    def measure(self, text: str, size: float = _SIZE) -> float:
        return sum(self.face.width(self.face.glyph(it)) for it in text) * size / 1000

    def down(self, by: float) -> None:
        self.y -= by
        if self.y < _MARGIN:
            self.pages.append([])
            self.y = self.height - _MARGIN - by

    def put(self, x: float, text: str, size: float = _SIZE, *, bold: bool = False) -> None:
        self.pages[-1].append((x, self.y, size, bold, text))

    def paragraph(self, text: str, size: float = _SIZE, *, bold: bool = False) -> None:
        for line in self.wrapped(text, self.width - 2 * _MARGIN, size):
            self.down(size * _LEADING)
            self.put(_MARGIN, line, size, bold=bold)

    def pair(self, label: str, value: str) -> None:
        for number, line in enumerate(self.wrapped(value, self.width - 2 * _MARGIN - _LABELS)):
            self.down(_SIZE * _LEADING)
            if number == 0:
                self.put(_MARGIN, label)
            self.put(_MARGIN + _LABELS, line)

    def table(self, rows: Sequence[Row], *, bold: int) -> None:
        """Columns as wide as they must be, to the right; the first has the rest. Row number `bold` is set off."""
        widths = [max(self.measure(cell) for cell in column) + _SPACE for column in zip(*rows, strict=True)][1:]
        first = self.width - 2 * _MARGIN - sum(widths)
        for number, (head, *cells) in enumerate(rows):
            for count, line in enumerate(self.wrapped(head, first)):
                self.down(_SIZE * _LEADING)
                self.put(_MARGIN, line, bold=number == bold)
                if count == 0:
                    right = _MARGIN + first
                    for cell, width in zip(cells, widths, strict=True):
                        right += width
                        self.put(right - self.measure(cell), cell, bold=number == bold)

    def wrapped(self, text: str, width: float, size: float = _SIZE) -> Iterable[str]:
        line = ""
        for word in text.split(" "):
            longer = f"{line} {word}" if line else word
            if self.measure(longer, size) <= width:
                line = longer
                continue
            if line:
                yield line
            line = word
            while len(line) > 1 and self.measure(line, size) > width:
                fits = next(count for count in range(len(line) - 1, 0, -1) if self._fits(line[:count], width, size))
                yield line[:fits]
                line = line[fits:]
        yield line

    def _fits(self, text: str, width: float, size: float) -> bool:
        return len(text) == 1 or self.measure(text, size) <= width


def pdf(receipt: Receipt) -> str:
    """The receipt as a document: text that becomes its bytes in UTF-8."""
    return document_of(sheet(receipt))


def document_of(it: Sheet, carried: bytes = b"") -> str:
    """A paper as a document: text that becomes its bytes in UTF-8.

    One that has XML to carry is an archive's, PDF/A-3b, and Factur-X.
    """
    import pydyf  # noqa: PLC0415 (most requests want no paper)

    width, height = _LETTER if it.is_letter else _A4
    ink = _Ink(face=typeface(), width=width, height=height)
    _write(ink, it)
    document = pydyf.PDF()
    font, numbers = _font(pydyf, document, ink)
    for page in ink.pages:
        content = pydyf.Stream()
        for x, y, size, bold, text in page:
            _show(content, (x, y, size, bold), [numbers[ink.face.glyph(character)] for character in text])
        stream = _stream(pydyf, content.stream)
        document.add_object(stream)
        document.add_page(
            pydyf.Dictionary(
                {
                    "Type": "/Page",
                    "Parent": document.pages.reference,
                    "MediaBox": pydyf.Array([0, 0, ink.width, ink.height]),
                    "Resources": pydyf.Dictionary({"Font": pydyf.Dictionary({"F": font})}),
                    "Contents": stream.reference,
                }
            )
        )
    document.catalog["Lang"] = pydyf.String(it.language)
    document.info["Title"] = pydyf.String(f"{it.title} {it.number}")
    document.info["Producer"] = pydyf.String("Kerb")
    document.info["CreationDate"] = pydyf.String(f"D:{it.issued_at.astimezone(UTC):%Y%m%d%H%M%S}Z")
    if carried:
        from chalicelib.handlers.money.paper.archival import Carried, archive  # noqa: PLC0415

        title = f"{it.title} {it.number}"
        archive(pydyf, document, Carried(xml=carried, title=title, author=it.supplier[0], issued_at=it.issued_at))
    written = io.BytesIO()
    document.write(written, identifier=hashlib.sha256(it.number.encode()).hexdigest()[:32].encode())
    return written.getvalue().decode()


def _write(ink: _Ink, it: Sheet) -> None:
    def plain(text: str) -> str:
        return "".join(char if ink.face.glyph(char) else _UNKNOWN for char in _composed(text))

    ink.paragraph(plain(it.title), _HEADING, bold=True)
    ink.down(_GAP)
    for line in it.supplier:
        ink.paragraph(plain(line))
    ink.down(_GAP)
    for label, value in it.facts:
        ink.pair(plain(label), plain(value))
    for rows, bold in (((it.lines_head, *it.lines), 0), ((it.taxes_head, *it.taxes), 0), (it.sums, 0)):
        if not rows[0]:
            continue
        ink.down(_GAP)
        ink.table([tuple(map(plain, row)) for row in rows], bold=bold)
    ink.down(_GAP)
    for note in it.notes:
        ink.paragraph(plain(note))


def _composed(text: str) -> str:
    """Composed where it can be, for the face has few marks that combine; what has no shape takes no room."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(it for it in composed if unicodedata.category(it) not in ("Cc", "Cf", "Cs"))


def _show(content: Any, how: tuple[float, float, float, bool], glyphs: Sequence[int]) -> None:
    x, y, size, bold = how
    content.begin_text()
    content.set_font_size("F", size)
    content.set_text_rendering(2 if bold else 0)
    content.set_line_width(_BOLD)
    content.move_text_to(round(x, 2), round(y, 2))
    content.stream.append("<" + "".join(f"{it:04x}" for it in glyphs) + "> Tj")
    content.end_text()


def _font(pydyf: Any, document: pydyf.PDF, ink: _Ink) -> tuple[bytes, dict[int, int]]:
    face = ink.face
    letters = sorted({character for page in ink.pages for *_, text in page for character in text})
    file, numbers = face.subset([face.glyph(it) for it in letters])
    shown = {numbers[face.glyph(it)]: it for it in reversed(letters) if face.glyph(it)}
    widths = [face.width(glyph) for glyph, _ in sorted(numbers.items(), key=lambda it: it[1])]
    # PDF 32000-1 §9.6.4: a subset is told by six letters before its name.
    tag = "".join(chr(ord("A") + byte % 26) for byte in hashlib.sha256(file).digest()[:6])
    name = f"/{tag}+DejaVuSansCondensed"
    font_file = _stream(pydyf, [file], Length1=len(file))
    document.add_object(font_file)
    descriptor = pydyf.Dictionary(
        {
            "Type": "/FontDescriptor",
            "FontName": name,
            "Flags": 4,
            "FontBBox": pydyf.Array(face.box),
            "ItalicAngle": 0,
            "Ascent": 928,
            "Descent": -236,
            "CapHeight": 729,
            "StemV": 80,
            "FontFile2": font_file.reference,
        }
    )
    document.add_object(descriptor)
    descendant = pydyf.Dictionary(
        {
            "Type": "/Font",
            "Subtype": "/CIDFontType2",
            "BaseFont": name,
            "CIDSystemInfo": pydyf.Dictionary(
                {"Registry": pydyf.String("Adobe"), "Ordering": pydyf.String("Identity"), "Supplement": 0}
            ),
            "FontDescriptor": descriptor.reference,
            "W": pydyf.Array([0, pydyf.Array(widths)]),
            "CIDToGIDMap": "/Identity",
        }
    )
    document.add_object(descendant)
    unicode = _stream(pydyf, [_to_unicode(shown)])
    document.add_object(unicode)
    font = pydyf.Dictionary(
        {
            "Type": "/Font",
            "Subtype": "/Type0",
            "BaseFont": name,
            "Encoding": "/Identity-H",
            "DescendantFonts": pydyf.Array([descendant.reference]),
            "ToUnicode": unicode.reference,
        }
    )
    document.add_object(font)
    return font.reference, dict(numbers)


def _to_unicode(shown: dict[int, str]) -> str:
    """What the glyphs mean, for who copies, searches or listens (PDF 32000-1 §9.10.3): at most 100 in a block."""
    pairs = [f"<{number:04x}> <{text.encode('utf-16-be').hex()}>" for number, text in sorted(shown.items())]
    blocks = [pairs[start : start + 100] for start in range(0, len(pairs), 100)]
    lines = [line for block in blocks for line in (f"{len(block)} beginbfchar", *block, "endbfchar")]
    return "\n".join(
        (
            "/CIDInit /ProcSet findresource begin 12 dict begin begincmap",
            "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def",
            "/CMapName /Adobe-Identity-UCS def /CMapType 2 def",
            "1 begincodespacerange <0000> <ffff> endcodespacerange",
            *lines,
            "endcmap CMapName currentdict /CMap defineresource pop end end",
        )
    )


def _stream(pydyf: Any, items: Sequence[str | bytes], **extra: int) -> Any:
    plain = b"\n".join(it if isinstance(it, bytes) else it.encode() for it in items)
    text = base64.a85encode(zlib.compress(plain, 9), wrapcol=120) + b"~>"
    return pydyf.Stream([text], {"Filter": pydyf.Array(["/ASCII85Decode", "/FlateDecode"]), **extra})
