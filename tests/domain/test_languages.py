"""Languages: a wish is understood as it is written, and every text is there in every language with the same blanks."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.languages import LANGUAGES, Locale, accepted, locale_of
from chalicelib.domain.notifications import NotificationKind
from chalicelib.domain.pricing.bill import Dimension
from chalicelib.domain.texts import Text, text, texts

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def blanks(said: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(said) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_there_with_its_blanks(language: str) -> None:
    there = texts(language)
    assert set(there) == set(Text)
    assert [it for it in Text if blanks(there[it]) != blanks(texts("en")[it]) or not there[it].strip()] == []


def test_whatever_a_bill_or_a_message_can_be_of_has_a_text() -> None:
    assert {f"notice_{it}" for it in NotificationKind} | {it.value for it in Dimension} <= {it.value for it in Text}


@pytest.mark.parametrize(
    ("wish", "locale"),
    [("de", "de"), ("de_at", "de-AT"), ("FR-ch", "fr-CH"), ("de-Latn-CH", "de-CH"), ("tlh", ""), ("", ""), ("d", "")],
)
def test_a_wish_is_understood_however_it_is_written(wish: str, locale: str) -> None:
    assert locale_of(wish) == locale


@pytest.mark.parametrize(
    ("header", "locale"),
    [
        ("de-DE,de;q=0.9,en;q=0.8", "de-DE"),
        ("pl, en;q=0.5, it;q=0.7", "it"),
        ("*", ""),
        ("en;q=0, nl;q=0.001", "nl"),
        ("fr;q=much", ""),
        ("", ""),
    ],
)
def test_the_header_is_taken_by_what_it_likes_best(header: str, locale: str) -> None:
    assert accepted(header) == locale


@given(st.text(max_size=200))
def test_no_header_breaks_anything(header: str) -> None:
    assert accepted(header) == "" or accepted(header).partition("-")[0] in LANGUAGES


@pytest.mark.parametrize(
    ("tag", "money", "day"),
    [
        ("en", "1234.50 EUR", "2026-11-21"),
        ("de", "1.234,50 EUR", "21.11.2026"),
        ("de-CH", "1\N{RIGHT SINGLE QUOTATION MARK}234.50 EUR", "21.11.2026"),
        ("fr", "1\N{NO-BREAK SPACE}234,50 EUR", "21/11/2026"),
        ("nl-BE", "1.234,50 EUR", "21-11-2026"),
        ("xx", "1234.50 EUR", "2026-11-21"),
    ],
)
def test_each_country_writes_its_numbers_and_days(tag: str, money: str, day: str) -> None:
    assert (Locale(tag).money(123_450, "EUR"), Locale(tag).date(AT.date())) == (money, day)


@given(st.sampled_from(["EUR", "JPY", "KWD"]), st.integers(-(10**9), 10**9), st.sampled_from(LANGUAGES))
def test_no_figure_of_an_amount_is_lost(currency: str, amount_minor: int, language: str) -> None:
    shown = Locale(language).money(amount_minor, currency)
    assert int("".join(it for it in shown if it.isdigit())) == abs(amount_minor)
    assert shown.startswith("-") is (amount_minor < 0)


def test_a_moment_says_on_which_clock() -> None:
    assert Locale("de").moment(AT, "Europe/Berlin") == "21.11.2026 10:30:00+01:00 (Europe/Berlin)"
    assert Locale("nl").number(Decimal("31337.5")) == "31.337,5"
    assert text(Text.CONNECTOR, "de", charger="A", connector="1") == "A, Anschluss 1"
