"""Ad-hoc checkouts in DynamoDB."""

from __future__ import annotations

from chalicelib.adapters.dynamo import decode, encode, find, put
from chalicelib.adapters.tables import CheckoutRow
from chalicelib.domain.sessions import Checkout


class DynamoCheckouts:
    """The port Checkouts. Methods make one call."""

    def add(self, checkout: Checkout) -> None:
        row = CheckoutRow(checkout.checkout_id, body=encode(checkout), expires_at=checkout.good_until)
        put(row, CheckoutRow.checkout_id.does_not_exist())

    def get(self, checkout_id: str) -> Checkout | None:
        row = find(CheckoutRow, checkout_id)
        return decode(Checkout, row.body) if row else None
