"""Checks a proof that an invoice is in the log as it was issued, and that the charges on it were logged too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from cli.proof import INVOICE, Key, Proof, Refused, Verdict, included, verify

_KILOWATT_HOUR = "KWH"


@dataclass(frozen=True)
class InvoiceVerdict(Verdict):
    """What the proof of an invoice shows; `billed_wh` is the energy on it by session (a credit note has none)."""

    billed_wh: Mapping[str, Fraction]


def is_invoices(text: str) -> bool:
    """Whether a proof is that of an invoice. Raises Refused: it is none at all."""
    return tuple(Proof.parse(text).opened()) == INVOICE


def verify_invoice(text: str, log: Key, witnesses: Sequence[Key] = ()) -> InvoiceVerdict:
    """Check the proof of an invoice or credit note: what is on it, and whether its lines come to its sums.

    Raises Refused.
    """
    checkpoint, parts, proven = included(text, log, witnesses)
    if tuple(parts) != INVOICE:
        raise Refused("it is the proof of a charge, and not of an invoice")
    try:
        facts, billed_wh, is_right = _read(parts["paper"])
    except (TypeError, KeyError, ValueError, ZeroDivisionError) as error:
        raise Refused(f"the invoice cannot be read: {error}") from error
    if not is_right:
        raise Refused("it is logged, but wrong: lines and allowances do not come to what its rates of VAT say")
    proven.append(f"it was issued with these lines and rates, which come to {facts['total_minor']} (minor units)")
    left = ["that others are shown the same log: no witness was asked for (--witness)"] if not witnesses else []
    return InvoiceVerdict(facts, checkpoint, tuple(proven), tuple(left), billed_wh)


def _read(paper: Any) -> tuple[Mapping[str, Any], Mapping[str, Fraction], bool]:
    """The facts of an invoice, its energy by session, and whether its lines come to the net of each rate."""
    draft = paper["draft"]
    nets, billed_wh = Counter[Fraction](), dict[str, Fraction]()
    for it in draft["lines"]:
        nets[Fraction(it["percent"])] += it["net_minor"]
        energy_wh = 1000 * Fraction(it["quantity"]) if it["unit"] == _KILOWATT_HOUR else Fraction()
        billed_wh[it["session_id"]] = billed_wh.get(it["session_id"], Fraction()) + energy_wh
    for it in draft["allowances"]:
        nets[Fraction(it["percent"])] -= it["net_minor"]
    taxes = draft["taxes"]
    told = {Fraction(it["percent"]): it["net_minor"] for it in taxes}
    facts = {
        "number": paper["number"],
        "issued_on": paper["issued_on"],
        "type": draft["type"],
        "takes_back_of": draft["of"]["number"] if "of" in draft else None,
        "seller": draft["seller"]["name"],
        "buyer": draft["buyer"]["name"],
        "currency": draft["currency"],
        "total_minor": sum(it["net_minor"] + it["amount_minor"] for it in taxes),
    }
    return facts, billed_wh, len(told) == len(taxes) and dict(nets) == told


def is_of(invoice: InvoiceVerdict, charge: str, log: Key) -> str:
    """That a charge, by its proof, is on the invoice with the energy that was billed. Raises Refused."""
    session_id = str(verify(charge, log).facts.get("session_id"))
    if session_id not in invoice.billed_wh:
        raise Refused(f"charge {session_id} is not on it")
    _, parts, _ = included(charge, log)
    lines = parts["bill"]["bill"]["lines"]
    energy_wh = sum((Fraction(it["quantity"]) for it in lines if it["dimension"] == "energy"), Fraction())
    if invoice.facts["takes_back_of"] is None and invoice.billed_wh[session_id] != energy_wh:
        raise Refused(f"it has {invoice.billed_wh[session_id]} Wh of {session_id}, and {energy_wh} were billed")
    return f"charge {session_id} is on it, and was logged"
