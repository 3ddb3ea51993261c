"""Tokens by what a charger is shown, and by when they last changed; an operator's stays its own, a driver's theirs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from chalicelib.adapters.dynamo import decode, encode, find, put, put_own, update
from chalicelib.adapters.tables import OperatorRow, TokenRow
from chalicelib.records import Conflict
from chalicelib.records.drivers import Token


class DynamoTokens:
    """The ports TokenRegistry and TokenChanges. Methods make one call where they say nothing else."""

    def put(self, token: Token, at: datetime) -> None:
        """Two calls; the token goes first, so that lists are never seen through without it."""
        second = int(at.timestamp())
        row = TokenRow(token.uid, driver_id=token.driver_id, body=encode(token), changed_s=second)
        if not token.operator_id:
            is_own = TokenRow.operator_id.does_not_exist() & (TokenRow.driver_id == token.driver_id)
            if not put(row, TokenRow.uid.does_not_exist() | is_own):
                raise Conflict("that card is somebody else's")
            return
        row.operator_id = token.operator_id
        # A card without an owner is a driver's own, and not to be had.
        put_own(row, TokenRow.uid.does_not_exist())
        update(OperatorRow(token.operator_id), [OperatorRow.tokens_changed_s.set(second)])

    def get(self, uid: str) -> Token | None:
        row = find(TokenRow, uid)
        return decode(Token, row.body) if row else None

    def of_driver(self, driver_id: str) -> Sequence[Token]:
        return [decode(Token, row.body) for row in TokenRow.by_driver.query(driver_id)]

    def forget(self, uid: str) -> None:
        TokenRow(uid).delete()

    def changed(self, operator_id: str, after: int, until: int, limit: int) -> Sequence[tuple[int, Token]]:
        """One call for each megabyte. The index follows the table within a second or so: ask about what is older."""
        found: list[tuple[int, Token]] = []
        if after >= until:
            return found
        for row in TokenRow.by_operator.query(operator_id, TokenRow.changed_s.between(after + 1, until)):
            second = row.changed_s or 0
            if len(found) >= limit and second != found[-1][0]:
                break
            found.append((second, decode(Token, row.body)))
        return found

    def lists_behind(self) -> Iterable[tuple[str, int]]:
        """A scan of one small row an operator."""
        for row in OperatorRow.scan():
            if row.tokens_changed_s is not None and row.tokens_changed_s > (row.lists_done_s or 0):
                yield row.operator_id, row.tokens_changed_s

    def lists_done(self, operator_id: str, second: int) -> None:
        update(OperatorRow(operator_id), [OperatorRow.lists_done_s.set(second)])
