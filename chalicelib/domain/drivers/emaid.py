"""The eMAID of a charging contract (ISO 15118-2 annex H): one form for all spellings, and the token made of it.

Letters count as capitals and separators as nothing. The check digit follows from the rest, so that it tells no two
contracts apart and is left out. A contract id of DIN SPEC 91286 stands for the eMAID whose instance is two noughts,
its own six signs and its check digit. As a token it bears a prefix: what a card reader or a keypad says never does.
"""

from __future__ import annotations

import re

_ISO = re.compile(r"([A-Z]{2})([-*]?)([A-Z0-9]{3})\2([A-Z0-9]{9})(?:\2[A-Z0-9])?")
_DIN = re.compile(r"([A-Z]{2})([-*]?)([A-Z0-9]{3})\2([A-Z0-9]{6})\2([0-9X])")
_PREFIX = "EMAID-"


def emaid_of(said: str) -> str | None:
    """The eMAID that any of its spellings means, its check digit left out; None for what is no eMAID."""
    name = said.strip().upper()
    if iso := _ISO.fullmatch(name):
        return f"{iso[1]}{iso[3]}{iso[4]}"
    din = _DIN.fullmatch(name)
    return f"{din[1]}{din[3]}00{din[4]}{din[5]}" if din else None


def contract_token(said: str) -> str:
    """The token of a contract: what somebody says is an eMAID, be it one or not, with the prefix or without."""
    bare = as_shown_elsewhere(said)
    return _PREFIX + (emaid_of(bare) or bare.strip().upper())


def is_contract_token(token: str) -> bool:
    """Whether a token stands for a contract."""
    return token[: len(_PREFIX)].upper() == _PREFIX


def emaid_in(token: str) -> str | None:
    """The eMAID of a contract's token; None where it stands for no contract, or for one that cannot be."""
    return emaid_of(token[len(_PREFIX) :]) if is_contract_token(token) else None


def as_shown_elsewhere(shown: str) -> str:
    """What a reader of cards or a keypad was shown: it is no contract's token, whatever it looks like."""
    while is_contract_token(shown):
        shown = shown[len(_PREFIX) :]
    return shown
