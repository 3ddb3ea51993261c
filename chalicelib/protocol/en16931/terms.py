"""What both syntaxes of EN 16931 say alike: business terms of an invoice as codes and texts, and XML without a gap.

Terms are named by the standard's numbers (BT-3). An element that would be empty is left out (PEPPOL-EN16931-R008).
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import StrEnum

from chalicelib.domain.languages import Locale
from chalicelib.domain.money.invoice import Draft, InvoiceLine
from chalicelib.domain.pricing.currency import decimals
from chalicelib.domain.texts import Text, text

# UNTDID 4461: an online payment service, which needs no account or card number on the invoice (BT-81).
PAYMENT_MEANS = "68"
# ... and that whoever is to pay has agreed on a way, which is not told here.
_AGREED_MEANS = "1"
# UNTDID 5189: a discount (BT-98).
DISCOUNT = "95"
# The electronic address of a party is its mailbox (BT-34-1, BT-49-1: the code list EAS).
MAILBOX = "EM"
# What no XML 1.0 document may hold, though somebody's name does.
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
BUSINESS_PROCESS = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"


class Specification(StrEnum):
    """By which rules an invoice was made (BT-24)."""

    EN16931 = "urn:cen.eu:en16931:2017"
    XRECHNUNG = "urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0"


class Elements:
    """Makes elements by the prefixes of a syntax, without those that would be empty."""

    def __init__(self, namespaces: Mapping[str, str]) -> None:
        self.namespaces = namespaces
        for prefix, uri in namespaces.items():
            ET.register_namespace(prefix, uri)

    def __call__(self, element: str, /, *content: ET.Element | str | None, **attributes: str) -> ET.Element | None:
        """An element with a text, or with others in it; None where there is neither."""
        made = ET.Element(self._qualified(element), {key: value for key, value in attributes.items() if value})
        for it in content:
            if isinstance(it, str):
                made.text = _NOT_XML.sub("", it) or None
            elif it is not None:
                made.append(it)
        return made if made.text or len(made) else None

    def document(self, name: str, content: Iterable[ET.Element | None]) -> bytes:
        """A whole document, in UTF-8."""
        root = ET.Element(self._qualified(name))
        root.extend([it for it in content if it is not None])
        written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
        return written

    def _qualified(self, name: str) -> str:
        prefix, _, local = name.partition(":")
        return f"{{{self.namespaces[prefix]}}}{local}"


def missing_in_xrechnung(draft: Draft) -> tuple[str, ...]:
    """What XRechnung wants of both parties beyond EN 16931, and nobody has said (BR-DE-5 to 7, BR-DE-15, and R010)."""
    wanted = {
        "the seller's telephone": draft.seller.phone,
        "the seller's e-mail": draft.seller.email,
        "the buyer's reference (Leitweg-ID, or any other)": draft.buyer.reference,
        "the buyer's e-mail": draft.buyer.email,
    }
    return tuple(it for it, said in wanted.items() if not said)


def amount(minor: int, draft: Draft) -> str:
    """An amount in the currency's own decimals."""
    return f"{Decimal(minor).scaleb(-decimals(draft.currency)):f}"


def payment_means(draft: Draft) -> str:
    """How it is, or was, paid (BT-81)."""
    return _AGREED_MEANS if draft.payable_on else PAYMENT_MEANS


def number(exact: Decimal) -> str:
    """A number without more digits than it has."""
    return f"{exact.normalize():f}" if exact else "0"


def category(percent: Decimal) -> str:
    """The VAT category (BT-118, UNTDID 5305): at a standard rate, or exempt."""
    return "S" if percent else "E"


def exemption(percent: Decimal, draft: Draft) -> str:
    """Why there is no VAT (BT-120); empty where there is some."""
    return "" if percent else text(Text.NO_TAX, _language(draft))


def name_of(what: Text, draft: Draft) -> str:
    """What was sold, or taken off (BT-153, BT-97), in the invoice's language."""
    return text(what, _language(draft))


def session_of(line: InvoiceLine, draft: Draft) -> str:
    """Of which session a line is (BT-154)."""
    return f"{text(Text.SESSION, _language(draft))} {line.session_id}"


def _language(draft: Draft) -> str:
    return Locale(draft.language).language
