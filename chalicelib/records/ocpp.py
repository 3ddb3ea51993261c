"""Records of Plug & Charge: a contract as its provider gives it, and why there is none."""

from __future__ import annotations

from chalicelib.domain.data_classes import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvidedContract:
    """One contract for a car: the eMAID as its provider writes it, and the answer for the car in EXI (base64)."""

    emaid: str
    exi: str


class ContractUnavailable(Exception):
    """No contract came; the text says why in 20 signs at the most, for the charger and the log. It holds no secret."""


class ResponderUnavailable(Exception):
    """No answer came of a responder; the text says why in 20 signs at the most."""
