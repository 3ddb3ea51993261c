"""An eMAID is the same contract however it is spelled, and nothing else ever looks like a contract's token."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.drivers import claimed_uid, spellings, uid_of
from chalicelib.domain.drivers.emaid import as_shown_elsewhere, contract_token, emaid_in, emaid_of, is_contract_token

SIGNS = string.ascii_uppercase + string.digits
EMAIDS = st.builds(
    lambda country, rest: country + rest,
    st.text(string.ascii_uppercase, min_size=2, max_size=2),
    st.text(SIGNS, min_size=12, max_size=12),
)


@pytest.mark.parametrize(
    "said",
    [
        "DE8AACA2B3C4D5",
        "DE8AACA2B3C4D59",
        "DE-8AA-CA2B3C4D5",
        "DE-8AA-CA2B3C4D5-9",
        "de-8aa-ca2b3c4d5",
        " DE8AACA2B3C4D5\n",
    ],
)
def test_separators_case_and_check_digit_make_no_other_contract(said: str) -> None:
    assert emaid_of(said) == "DE8AACA2B3C4D5"


@pytest.mark.parametrize("said", ["NL-TNM-012204-5", "NL*TNM*012204*5", "NLTNM0122045", "nl-tnm-000122045-u"])
def test_a_contract_id_of_din_stands_for_its_emaid(said: str) -> None:
    assert emaid_of(said) == "NLTNM000122045"


@pytest.mark.parametrize(
    "said",
    [
        "",
        "DE",
        "DE8AACA2B3C4D",
        "DE8AACA2B3C4D599",
        "04A1B2C3D4E5F6",
        "DE-8AACA2B3C4D5",
        "DE_8AA_CA2B3C4D5",
        "ДE8AACA2B3C4D5",
    ],
)
def test_what_is_no_emaid_is_none(said: str) -> None:
    assert emaid_of(said) is None


@given(EMAIDS, st.sampled_from(["", "-", "*"]), st.sampled_from(["", *SIGNS]), st.booleans())
def test_a_contract_has_one_token_however_it_is_spelled(emaid: str, sign: str, digit: str, is_small: bool) -> None:
    said = sign.join((emaid[:2], emaid[2:5], emaid[5:], *filter(None, (digit,))))
    said = said.lower() if is_small else said
    token = contract_token(said)
    assert token == f"EMAID-{emaid}" == uid_of(token) == claimed_uid(f"emaid-{said}")
    assert list(spellings(f"emaid-{said}")) == [token]
    assert emaid_in(token) == emaid


@given(st.text(max_size=40) | EMAIDS.map(lambda it: f"EMAID-emaid-{it}"))
def test_no_reader_of_cards_shows_a_contract(shown: str) -> None:
    assert not is_contract_token(as_shown_elsewhere(shown))
