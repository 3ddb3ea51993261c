"""Languages: which are spoken, which one somebody wants, and how each writes numbers, money, dates and times.

A locale is a language with or without a country, as BCP 47 has it ("de", "de-CH"); countries matter for separators.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.pricing.currency import decimals

ENGLISH = "en"
LANGUAGES = (ENGLISH, "de", "fr", "nl", "es", "it")
_LOCALE = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z]{4})?(?:[-_]([A-Za-z]{2}|[0-9]{3}))?(?:[-_].*)?")
_HARD_SPACE, _APOSTROPHE = "\N{NO-BREAK SPACE}", "\N{RIGHT SINGLE QUOTATION MARK}"


class _Form(NamedTuple):
    """How numbers and dates are written."""

    point: str
    group: str
    date: str


# Unicode CLDR's, but for English: its dates are read differently on either side of the Atlantic, and ISO 8601 is not.
_FORMS = {
    "en": _Form(".", "", "%Y-%m-%d"),
    "de": _Form(",", ".", "%d.%m.%Y"),
    "de-AT": _Form(",", _HARD_SPACE, "%d.%m.%Y"),
    "de-CH": _Form(".", _APOSTROPHE, "%d.%m.%Y"),
    "de-LI": _Form(".", _APOSTROPHE, "%d.%m.%Y"),
    "fr": _Form(",", _HARD_SPACE, "%d/%m/%Y"),
    "fr-CH": _Form(",", _HARD_SPACE, "%d.%m.%Y"),
    "nl": _Form(",", ".", "%d-%m-%Y"),
    "es": _Form(",", ".", "%d/%m/%Y"),
    "es-MX": _Form(".", ",", "%d/%m/%Y"),
    "it": _Form(",", ".", "%d/%m/%Y"),
    "it-CH": _Form(".", _APOSTROPHE, "%d.%m.%Y"),
}


def locale_of(wish: str) -> str:
    """A wish for a language as a locale of one that is spoken ("de_ch" is "de-CH"); empty where it is none."""
    found = _LOCALE.fullmatch(wish.strip())
    if found is None or found[1].lower() not in LANGUAGES:
        return ""
    language, country = found[1].lower(), found[2]
    return f"{language}-{country.upper()}" if country else language


def accepted(header: str) -> str:
    """The locale that an Accept-Language header likes best of those spoken (RFC 9110 §12.5.4); empty for none."""
    best, most = "", Decimal(0)
    for item in header.split(",")[:20]:
        wish, _, weight = item.partition(";")
        quality = re.fullmatch(r"\s*q=\s*([01](?:\.[0-9]{0,3})?)\s*", weight)
        liked = Decimal(quality[1]) if quality else Decimal(0) if weight else Decimal(1)
        if liked > most and (locale := locale_of(wish)):
            best, most = locale, liked
    return best


@dataclass(frozen=True, slots=True)
class Locale:
    """A language and how it writes; English where there is none."""

    tag: str = ENGLISH

    @property
    def language(self) -> str:
        """The language alone."""
        return self.tag.partition("-")[0] or ENGLISH

    @property
    def _form(self) -> _Form:
        return _FORMS.get(self.tag) or _FORMS.get(self.language) or _FORMS[ENGLISH]

    def number(self, value: Decimal) -> str:
        """A number with all of its decimals."""
        form = self._form
        return f"{value:,f}".translate({ord(","): form.group, ord("."): form.point})

    def money(self, amount_minor: int, currency: str) -> str:
        """An amount with its currency's decimals and its code."""
        return f"{self.number(Decimal(amount_minor).scaleb(-decimals(currency)))} {currency}"

    def date(self, day: date) -> str:
        """A day, in figures."""
        return f"{day:{self._form.date}}"

    def moment(self, at: datetime, time_zone: str) -> str:
        """A moment on the clock of a place, and which clock that is."""
        local = at.astimezone(ZoneInfo(time_zone))
        return f"{self.date(local.date())} {local.time().isoformat('seconds')}{_offset(local)} ({time_zone})"


def _offset(local: datetime) -> str:
    return local.isoformat()[-6:]
