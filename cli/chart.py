"""Curves as text for a terminal and as SVG for a page, both axes by powers of ten; nothing is drawn but lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import log10

_MARKS = "ox+*#"
_COLOURS = ("#b3261e", "#c77700", "#1a6b3c", "#22519c", "#666666")
_WIDE, _HIGH, _LEFT, _TOP, _RIGHT, _BOTTOM = 760, 420, 70, 30, 150, 45

Curve = Sequence[tuple[float, float]]


def text(curves: Mapping[str, Curve], width: int = 66, height: int = 18) -> str:
    """Where two curves meet, the later is seen."""
    low_x, high_x, low_y, high_y = _reach(curves)
    rows = [[" "] * (width + 1) for _ in range(height + 1)]
    for mark, curve in zip(_MARKS, curves.values(), strict=False):
        for x, y in _between(curve, width * 2):
            column = round((log10(x) - low_x) / (high_x - low_x) * width)
            rows[height - round((log10(y) - low_y) / (high_y - low_y) * height)][column] = mark
    lines = []
    for number, row in enumerate(rows):
        level = high_y - (high_y - low_y) * number / height
        is_whole = abs(level - round(level)) < (high_y - low_y) / height / 2
        label = f"${10 ** round(level):g}" if is_whole else ""
        lines.append(f"{label:>8} |{''.join(row).rstrip()}")
    lines.append(" " * 9 + "+" + "-" * (width + 1))
    ticks = [" "] * (width + 10)
    for power in range(round(low_x), round(high_x) + 1):
        label, at = f"{10**power:,}", round((power - low_x) / (high_x - low_x) * width)
        at = min(at, len(ticks) - len(label))
        ticks[at : at + len(label)] = label
    lines.append(" " * 10 + "".join(ticks).rstrip() + "  chargers")
    lines += [f"{mark:>10} {name}" for mark, name in zip(_MARKS, curves, strict=False)]
    return "\n".join(lines)


def svg(curves: Mapping[str, Curve], title: str) -> str:
    """A page of its own."""
    low_x, high_x, low_y, high_y = _reach(curves)

    def at(x: float, y: float) -> tuple[float, float]:
        across = _LEFT + (log10(x) - low_x) / (high_x - low_x) * (_WIDE - _LEFT - _RIGHT)
        return across, _HIGH - _BOTTOM - (log10(y) - low_y) / (high_y - low_y) * (_HIGH - _TOP - _BOTTOM)

    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE} {_HIGH}"',
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDE}" height="{_HIGH}" fill="white"/>',
        f'<text x="{_LEFT}" y="18" font-size="14">{title}</text>',
    ]
    for power in range(round(low_x), round(high_x) + 1):
        x, _ = at(10**power, 10**low_y)
        drawn.append(f'<path d="M{x:.0f} {_TOP}V{_HIGH - _BOTTOM}" stroke="#ddd"/>')
        drawn.append(f'<text x="{x:.0f}" y="{_HIGH - _BOTTOM + 18}" text-anchor="middle">{10**power:,}</text>')
    for power in range(round(low_y), round(high_y) + 1):
        _, y = at(10**low_x, 10**power)
        drawn.append(f'<path d="M{_LEFT} {y:.0f}H{_WIDE - _RIGHT}" stroke="#ddd"/>')
        drawn.append(f'<text x="{_LEFT - 6}" y="{y + 4:.0f}" text-anchor="end">${10.0**power:g}</text>')
    ends: list[float] = []
    for colour, (name, curve) in zip(_COLOURS, curves.items(), strict=False):
        points = [at(x, y) for x, y in curve]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        drawn.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        end = points[-1][1]
        while any(abs(end - other) < 13 for other in ends):
            end += 13
        ends.append(end)
        drawn.append(f'<text x="{points[-1][0] + 6:.0f}" y="{end + 4:.0f}" fill="{colour}">{name}</text>')
    drawn.append(f'<text x="{(_WIDE - _RIGHT + _LEFT) / 2:.0f}" y="{_HIGH - 8}" text-anchor="middle">chargers</text>')
    return "\n".join([*drawn, "</svg>", ""])


def _reach(curves: Mapping[str, Curve]) -> tuple[int, int, int, int]:
    """Whole powers of ten around all curves."""
    across = [log10(x) for curve in curves.values() for x, _ in curve]
    up = [log10(y) for curve in curves.values() for _, y in curve]
    return int(min(across)), -int(-max(across) // 1), int(min(up) // 1), -int(-max(up) // 1)


def _between(curve: Curve, steps: int) -> Curve:
    """The curve with more points, straight between its own."""
    found = []
    for (x0, y0), (x1, y1) in pairwise(curve):
        for step in range(steps + 1):
            part = step / steps
            found.append(
                (10 ** (log10(x0) + (log10(x1) - log10(x0)) * part), 10 ** (log10(y0) + (log10(y1) - log10(y0)) * part))
            )
    return found
