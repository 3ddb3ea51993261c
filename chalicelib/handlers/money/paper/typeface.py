"""The typeface of printed paper: which glyph stands for a character, how wide it is, and the few glyphs a page needs.

A page carries only the glyphs it shows, renumbered: the whole face would make each receipt 350 KB. Tables are those
of the OpenType specification; the face is ours to choose, so that only what it contains is read here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

_FILE = Path(__file__).parent / "font" / "DejaVuSansCondensed.ttf"
_UNICODE_FULL = (3, 10)
_HAS_MORE, _WORDS, _SCALE, _SCALES, _MATRIX = 0x20, 0x01, 0x08, 0x40, 0x80
# Beside these, PDF wants nothing of a face whose characters it maps by itself.
_KEPT = ("cvt ", "fpgm", "prep")


class Typeface:
    """A TrueType font, parsed as far as printing needs it: glyphs, widths, outlines."""

    def __init__(self, data: bytes) -> None:
        self._tables: dict[str, bytes] = {}
        for number in range(struct.unpack_from(">H", data, 4)[0]):
            tag, _, start, length = struct.unpack_from(">4sLLL", data, 12 + 16 * number)
            self._tables[tag.decode()] = data[start : start + length]
        self.units_per_em: int = struct.unpack_from(">H", self._tables["head"], 18)[0]
        self._metrics: int = struct.unpack_from(">H", self._tables["hhea"], 34)[0]
        self._glyphs: int = struct.unpack_from(">H", self._tables["maxp"], 4)[0]
        # head.indexToLocFormat says whether offsets are whole, or halved to fit 16 bits.
        is_long = struct.unpack_from(">h", self._tables["head"], 50)[0]
        offsets = struct.unpack_from(f">{self._glyphs + 1}{'L' if is_long else 'H'}", self._tables["loca"])
        self._offsets = offsets if is_long else [it * 2 for it in offsets]
        self._groups = self._read_groups()

    def glyph(self, character: str) -> int:
        """The glyph of a character; 0, a box, where there is none."""
        code = ord(character)
        return next((glyph + code - first for first, last, glyph in self._groups if first <= code <= last), 0)

    def width(self, glyph: int) -> int:
        """How far it moves on, in thousandths of the type's size."""
        at = min(glyph, self._metrics - 1) * 4
        advance: int = struct.unpack_from(">H", self._tables["hmtx"], at)[0]
        return round(advance * 1000 / self.units_per_em)

    @property
    def box(self) -> Sequence[int]:
        """What holds every glyph: left, bottom, right, top in thousandths."""
        corners = struct.unpack_from(">4h", self._tables["head"], 36)
        return [it * 1000 // self.units_per_em for it in corners]

    def subset(self, glyphs: Sequence[int]) -> tuple[bytes, Mapping[int, int]]:
        """A font of these glyphs only, and each one's number in it; the first is always the box."""
        kept = list(dict.fromkeys((0, *glyphs)))
        for glyph in kept:  # grows as it goes: parts of glyphs may have parts
            kept += dict.fromkeys(part for _, part in _parts(self._outline(glyph)) if part not in kept)
        numbers = {glyph: number for number, glyph in enumerate(kept)}
        outlines = [self._renumbered(glyph, numbers) for glyph in kept]
        offsets = [sum(map(len, outlines[:count])) for count in range(len(outlines) + 1)]
        tables = {tag: self._tables[tag] for tag in _KEPT if tag in self._tables}
        tables |= {
            "glyf": b"".join(outlines),
            "head": _patched(self._tables["head"], {8: struct.pack(">L", 0), 50: struct.pack(">h", 1)}),
            "hhea": _patched(self._tables["hhea"], {34: struct.pack(">H", len(kept))}),
            "hmtx": b"".join(self._metric(glyph) for glyph in kept),
            "loca": struct.pack(f">{len(offsets)}L", *offsets),
            "maxp": _patched(self._tables["maxp"], {4: struct.pack(">H", len(kept))}),
        }
        return _file(tables), numbers

    def _read_groups(self) -> Sequence[tuple[int, int, int]]:
        cmap = self._tables["cmap"]
        for number in range(struct.unpack_from(">H", cmap, 2)[0]):
            platform, encoding, start = struct.unpack_from(">HHL", cmap, 4 + 8 * number)
            if (platform, encoding) == _UNICODE_FULL:
                count = struct.unpack_from(">L", cmap, start + 12)[0]
                return [struct.unpack_from(">LLL", cmap, start + 16 + 12 * it) for it in range(count)]
        raise ValueError("the face does not say which characters it has")

    def _outline(self, glyph: int) -> bytes:
        return self._tables["glyf"][self._offsets[glyph] : self._offsets[glyph + 1]]

    def _metric(self, glyph: int) -> bytes:
        hmtx = self._tables["hmtx"]
        if glyph < self._metrics:
            return hmtx[glyph * 4 : glyph * 4 + 4]
        # The last ones share a width.
        bearing = self._metrics * 4 + (glyph - self._metrics) * 2
        return hmtx[self._metrics * 4 - 4 : self._metrics * 4 - 2] + hmtx[bearing : bearing + 2]

    def _renumbered(self, glyph: int, numbers: Mapping[int, int]) -> bytes:
        outline = bytearray(self._outline(glyph))
        for at, part in _parts(bytes(outline)):
            struct.pack_into(">H", outline, at, numbers[part])
        return bytes(outline) + bytes(-len(outline) % 4)


@cache
def typeface() -> Typeface:
    """The typeface that paper is printed in, read once a process."""
    return Typeface(_FILE.read_bytes())


def _parts(outline: bytes) -> Iterator[tuple[int, int]]:
    """The glyphs that one is put together from, each with the place where its number stands."""
    if not outline or struct.unpack_from(">h", outline)[0] >= 0:
        return
    at, flags = 10, _HAS_MORE
    while flags & _HAS_MORE:
        flags, part = struct.unpack_from(">HH", outline, at)
        yield at + 2, part
        at += 4 + (4 if flags & _WORDS else 2)
        at += 2 if flags & _SCALE else 4 if flags & _SCALES else 8 if flags & _MATRIX else 0


def _patched(table: bytes, changes: Mapping[int, bytes]) -> bytes:
    patched = bytearray(table)
    for at, value in changes.items():
        patched[at : at + len(value)] = value
    return bytes(patched)


def _file(tables: Mapping[str, bytes]) -> bytes:
    power = len(tables).bit_length() - 1
    head = struct.pack(">LHHHH", 0x00010000, len(tables), 16 << power, power, (len(tables) - (1 << power)) * 16)
    body, start = b"", len(head) + 16 * len(tables)
    for tag, table in sorted(tables.items()):
        head += struct.pack(">4sLLL", tag.encode(), _checksum(table), start + len(body), len(table))
        body += table + bytes(-len(table) % 4)
    return head + body


def _checksum(table: bytes) -> int:
    padded = table + bytes(-len(table) % 4)
    total: int = sum(struct.unpack(f">{len(padded) // 4}L", padded))
    return total & 0xFFFFFFFF
