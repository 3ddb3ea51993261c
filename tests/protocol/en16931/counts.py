"""How many invoices authorities took, and by which rules they refused what is wrong.

`python -m tests.protocol.en16931.counts [EXAMPLES]`: the files made, those that passed, those refused by rule.
"""

from __future__ import annotations

import sys
from collections import Counter
from types import ModuleType

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from chalicelib.domain.money.invoice import Draft, credit_note_of
from chalicelib.domain.pricing.bill import Bill
from chalicelib.protocol.en16931 import cii, ubl
from tests.protocol.en16931.authority import broken_rules
from tests.protocol.en16931.broken import BROKEN
from tests.protocol.en16931.test_invoices import DAY, USUAL, bills, drafted, issued, receipt, refund

_SYNTAXES: tuple[ModuleType, ...] = (ubl, cii)
# What is refunded of so many hundredths.
_WHOLE = 100


def counted(examples: int) -> Counter[str]:
    """Made, passed and refused, each by kind."""
    told: Counter[str] = Counter()

    def judge(draft: Draft, kind: str) -> None:
        for syntax in _SYNTAXES:
            told[f"{kind}: made"] += 1
            rules = broken_rules(syntax.written(issued(draft)))
            told[f"{kind}: passed"] += not rules
            told.update(f"{kind}: refused by {it}" for it in rules)

    @seed(16931)
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(bills, st.integers(0, _WHOLE), st.integers(1, _WHOLE))
    def go(bill: Bill, waived: int, back: int) -> None:
        sold = receipt(bill, waived_minor=bill.total_minor * waived // _WHOLE if waived < back else 0)
        judge(drafted(sold), "invoice of nothing" if not sold.paid_minor else f"invoice in {bill.currency}")
        back_minor = bill.total_minor * back // _WHOLE
        if back_minor and not sold.waived_minor:
            note = credit_note_of(issued(drafted(sold)), sold, refund(bill, back_minor, []), DAY, DAY)
            judge(note, f"credit note in {bill.currency}")

    go()
    for rule, wrong in BROKEN.items():
        for syntax in _SYNTAXES:
            told["wrong: made"] += 1
            rules = broken_rules(syntax.written(issued(wrong(drafted(receipt(USUAL))))))
            told["wrong: passed"] += not rules
            told[f"wrong: refused by {rule}"] += rule in rules
    return told


if __name__ == "__main__":
    for line, number in sorted(counted(int(sys.argv[1]) if len(sys.argv) > 1 else 50).items()):
        sys.stdout.write(f"{number:6} {line}\n")
