"""A receipt or refund note as HTML: one printable page that fetches and runs nothing, and escapes all it is told."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.domain.money.receipt import Receipt
from chalicelib.handlers.money.paper.sheet import Sheet, sheet

if TYPE_CHECKING:
    from jinja2 import Template

_TEMPLATE = Path(__file__).parent / "receipt.html"


def html(receipt: Receipt) -> str:
    """The receipt as one HTML page."""
    return page(sheet(receipt))


def page(it: Sheet) -> str:
    """A paper as one HTML page."""
    return _template().render(it=it)


@cache
def _template() -> Template:
    # Only here: most requests want no paper, and need not wait 30 ms for it.
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_TEMPLATE.read_text())
