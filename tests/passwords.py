"""Chargers' passwords, hashed cheaply: what is dear for a thief is as dear for a suite that knocks at doors all day.

Only the price is another. What the product's is, and that it is paid, tests/services/chargers/test_passwords.py holds.
"""

from __future__ import annotations

import sys

from chalicelib.services.chargers import passwords

PRODUCTS_COST, PRODUCTS_NOBODY = passwords._COST, passwords.NOBODYS_PASSWORD
_CHEAP = 16


def hash_cheaply() -> None:
    """From now on, in this process; before anybody imports what is made of the cost."""
    assert "chalicelib.services.chargers.connections" not in sys.modules
    passwords.NOBODYS_PASSWORD = PRODUCTS_NOBODY.replace(f"scrypt${PRODUCTS_COST}$", f"scrypt${_CHEAP}$")
    passwords._COST = _CHEAP
