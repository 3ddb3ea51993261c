"""Load curves: as SVG for a page of HTML, as PNG for everything else; power over the day, a line an algorithm."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any

from local.simulate.day import Outcome

_COLOURS = ("#9aa0a6", "#c77700", "#b3261e", "#22519c", "#1a6b3c", "#7b3fa0")
_WIDE, _HIGH, _LEFT, _TOP, _RIGHT, _BOTTOM = 1100, 460, 70, 40, 190, 45
_TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000)
_SHARP = 2

Point = tuple[float, float]


class NoImages(Exception):
    """Pillow, of requirements-dev.txt, is not installed."""


class _Canvas:
    """Where a moment and a power lie on a picture of so many pixels."""

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        self.begins_at = min(it.begins_at for it in outcomes)
        self.ends_at = max(it.begins_at + it.period * len(it.power_w) for it in outcomes)
        most_kw = max(max(it.power_w, default=0.0) for it in outcomes) / 1000
        self.step_kw = next((it for it in _TICKS if it * 8 >= most_kw), _TICKS[-1])
        self.most_kw = max(1.0, -(-most_kw // self.step_kw) * self.step_kw)

    def at(self, moment: datetime, power_kw: float) -> Point:
        across = (moment - self.begins_at) / (self.ends_at - self.begins_at) * (_WIDE - _LEFT - _RIGHT)
        return _LEFT + across, _HIGH - _BOTTOM - power_kw / self.most_kw * (_HIGH - _TOP - _BOTTOM)

    def curve(self, outcome: Outcome) -> list[Point]:
        """Steps: a period's power holds until the next."""
        found = []
        for number, power_w in enumerate(outcome.power_w):
            begin = outcome.begins_at + outcome.period * number
            found += [self.at(begin, power_w / 1000), self.at(begin + outcome.period, power_w / 1000)]
        return found

    def hours(self) -> Iterator[tuple[Point, str]]:
        every = 3 if self.ends_at - self.begins_at < timedelta(hours=36) else 12
        moment = self.begins_at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        while moment <= self.ends_at:
            if moment.hour % every == 0:
                yield self.at(moment, 0), f"{moment:%H:%M}"
            moment += timedelta(hours=1)

    def powers(self) -> Iterator[tuple[Point, str]]:
        level = 0.0
        while level <= self.most_kw:
            yield self.at(self.begins_at, level), f"{level:g} kW"
            level += self.step_kw


def svg(outcomes: Sequence[Outcome], title: str) -> str:
    """A picture that a page can hold."""
    canvas = _Canvas(outcomes)
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE} {_HIGH}" font-family="sans-serif"'
        ' font-size="13" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{_WIDE}" height="{_HIGH}" fill="white"/>',
        f'<text x="{_LEFT}" y="24" font-size="16">{escape(title)}</text>',
    ]
    for (x, y), label in canvas.powers():
        drawn.append(f'<path d="M{_LEFT} {y:.0f}H{_WIDE - _RIGHT}" stroke="#e3e3e3"/>')
        drawn.append(f'<text x="{x - 8:.0f}" y="{y + 4:.0f}" text-anchor="end">{label}</text>')
    for (x, y), label in canvas.hours():
        drawn.append(f'<text x="{x:.0f}" y="{y + 22:.0f}" text-anchor="middle">{label}</text>')
    for number, outcome in enumerate(outcomes):
        colour, y = _COLOURS[number % len(_COLOURS)], _TOP + 20 * number
        path = "L".join(f"{x:.1f} {level:.1f}" for x, level in canvas.curve(outcome))
        drawn.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        drawn.append(f'<path d="M{_WIDE - _RIGHT + 14} {y}h18" stroke="{colour}" stroke-width="4"/>')
        drawn.append(f'<text x="{_WIDE - _RIGHT + 40}" y="{y + 5}">{escape(outcome.name)}</text>')
    return "\n".join([*drawn, "</svg>"])


def html(outcomes: Sequence[Outcome], title: str, rows: Sequence[Sequence[str]]) -> str:
    """A page of its own: the curves, and the table below (its first row is its head)."""
    head, *body = rows
    lines = [f"<tr>{''.join(f'<th>{escape(it)}</th>' for it in head)}</tr>"]
    lines += [f"<tr>{''.join(f'<td>{escape(it)}</td>' for it in row)}</tr>" for row in body]
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title><style>
body {{ font-family: sans-serif; max-width: {_WIDE}px; margin: 2rem auto; color: #222 }}
table {{ border-collapse: collapse }} svg {{ width: 100%; height: auto }}
td, th {{ padding: .3rem .8rem; border-bottom: 1px solid #ddd; text-align: right }}
td:first-child, th:first-child {{ text-align: left }}
</style></head><body>
{svg(outcomes, title)}
<table>
{chr(10).join(lines)}
</table></body></html>
"""


def png(outcomes: Sequence[Outcome], title: str, path: Path) -> None:
    """The same curves as a picture in a file; NoImages where it cannot be drawn."""
    try:
        from PIL import Image, ImageDraw, ImageFont  # noqa: PLC0415 (only who draws needs it)
    except ImportError as error:
        raise NoImages("PNG needs Pillow: make install (requirements-dev.txt), or choose --html") from error
    canvas = _Canvas(outcomes)
    # Drawn twice as large and made smaller: smooth lines.
    image = Image.new("RGB", (_WIDE * _SHARP, _HIGH * _SHARP), "white")
    draw = ImageDraw.Draw(image)
    small, large = (ImageFont.load_default(size * _SHARP) for size in (13, 16))

    def line(points: Sequence[Point], colour: str, width: int) -> None:
        draw.line([(x * _SHARP, y * _SHARP) for x, y in points], fill=colour, width=width * _SHARP, joint="curve")

    def text(x: float, y: float, label: str, anchor: str, font: Any = small) -> None:
        draw.text((x * _SHARP, y * _SHARP), label, fill="#222222", anchor=anchor, font=font)

    text(_LEFT, 20, title, "lm", large)
    for (x, y), label in canvas.powers():
        line([(_LEFT, y), (_WIDE - _RIGHT, y)], "#e3e3e3", 1)
        text(x - 8, y, label, "rm")
    for (x, y), label in canvas.hours():
        text(x, y + 18, label, "mm")
    for number, outcome in enumerate(outcomes):
        colour, y = _COLOURS[number % len(_COLOURS)], _TOP + 20 * number
        line(canvas.curve(outcome), colour, 2)
        line([(_WIDE - _RIGHT + 14, y), (_WIDE - _RIGHT + 32, y)], colour, 4)
        text(_WIDE - _RIGHT + 40, y, outcome.name, "lm")
    image.resize((_WIDE, _HIGH), Image.Resampling.LANCZOS).save(path)
