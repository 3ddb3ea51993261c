"""Tokens by what a charger is shown, and by when they last changed; an operator's stays its own, a driver's theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from chalicelib.adapters.chargers.behind import now_behind, operators_behind
from chalicelib.adapters.dynamo import (
    can_be_key,
    decode,
    delete,
    delete_all,
    encode,
    find,
    put,
    put_own,
    update,
    update_and_read,
)
from chalicelib.adapters.tables import OperatorRow, TokenRow
from chalicelib.records import Conflict
from chalicelib.records.drivers import ContractSeen, RefusedToken, ShownToken, Token

_ATTEMPTS = 8
_MISSES = "misses/"
_MISSES_KEPT = timedelta(hours=2)
# So long a claim that nobody has proven is remembered, so that its driver cannot hold it by claiming it anew.
_LAPSED_KEPT = timedelta(days=1)


class DynamoTokens:
    """The ports TokenRegistry and TokenChanges. Methods make one call where they say nothing else."""

    def put(self, token: Token, at: datetime) -> None:
        """Two calls; the token goes first, so that lists are never seen through without it."""
        row, second = _row(token, at), int(at.timestamp())
        is_new, claimed_until_s = TokenRow.uid.does_not_exist(), TokenRow.claimed_until_s
        if not token.operator_id:
            is_own = TokenRow.operator_id.does_not_exist() & (TokenRow.driver_id == token.driver_id)
            if not put(row, is_new | is_own | (claimed_until_s <= second)):
                raise Conflict("that card is somebody else's")
            return
        # A card without an owner is a driver's own, and not to be had, unless it is only said to be.
        put_own(row, is_new | claimed_until_s.exists())
        self._tell_lists(token, second)

    def change(self, uid: str, change: Callable[[Token], Token], at: datetime) -> Token | None:
        """Two calls, a third where it is an operator's, and two for each time that somebody else was quicker."""
        for _ in range(_ATTEMPTS):
            row = find(TokenRow, uid)
            if row is None or row.body is None:
                return None
            before = _token(row)
            after = change(before)
            if after == before:
                return after
            if put(_row(after, at), TokenRow.body == row.body):
                if after.operator_id:
                    self._tell_lists(after, int(at.timestamp()))
                return after
        raise Conflict(f"token {uid} is being changed by others")

    def get(self, uid: str) -> Token | None:
        row = find(TokenRow, uid)
        return _token(row) if row is not None and row.body is not None else None

    def known_as(self, names: Iterable[str]) -> Sequence[Token]:
        names = list(names)
        return _in_order(names, _rows(names))

    def shown(self, names: Iterable[str], by: str, at: datetime) -> ShownToken:
        names, counted = list(names), _misses(by, at)
        rows = _rows([*names, counted])
        row = rows.get(counted)
        return ShownToken(_in_order(names, rows), row.misses or 0 if row is not None else 0)

    def missed(self, by: str, at: datetime) -> int:
        row = TokenRow(_misses(by, at))
        update_and_read(row, [TokenRow.misses.add(1), TokenRow.expires_at.set(at + _MISSES_KEPT)])
        return row.misses or 0

    def note_refused(self, token: Token, refused: RefusedToken) -> None:
        update(TokenRow(token.uid), [TokenRow.refused.set(encode(refused))], TokenRow.body.exists())

    def note_contract(self, uid: str, seen: ContractSeen) -> None:
        update(TokenRow(uid), [TokenRow.contract.set(encode(seen))], TokenRow.body.exists())

    def _tell_lists(self, token: Token, second: int) -> None:
        update(OperatorRow(token.operator_id), [OperatorRow.tokens_changed_s.set(second), now_behind()])

    def of_driver(self, driver_id: str) -> Sequence[Token]:
        return [_token(row) for row in TokenRow.by_driver.query(driver_id)]

    def forget(self, uid: str) -> None:
        delete(TokenRow(uid))

    def forget_driver(self, driver_id: str) -> Iterator[int]:
        """One call for each megabyte, and one for each 25."""
        return delete_all(TokenRow(it.uid) for it in TokenRow.by_driver.query(driver_id))

    def changed(self, operator_id: str, after: int, until: int, limit: int) -> Sequence[tuple[int, Token]]:
        """One call, and one more where many changed in the last second of these.

        The index follows the table within a second or so: ask about what is older.
        """
        found: list[tuple[int, Token]] = []
        if after >= until:
            return found
        within = TokenRow.changed_s.between(after + 1, until)
        # One more tells whether the last second has more.
        for row in TokenRow.by_operator.query(operator_id, within, page_size=limit + 1):
            second = row.changed_s or 0
            if len(found) >= limit and second != found[-1][0]:
                break
            found.append((second, _token(row)))
        return found

    def lists_behind(self) -> Iterable[tuple[str, int]]:
        """One call where there are none."""
        for row in operators_behind():
            if row.tokens_changed_s is not None and row.tokens_changed_s > (row.lists_done_s or 0):
                yield row.operator_id, row.tokens_changed_s

    def lists_done(self, operator_id: str, second: int) -> None:
        update(OperatorRow(operator_id), [OperatorRow.lists_done_s.set(second)])


def _body(token: Token) -> str:
    return encode(replace(token, refused=None, contract=None))


def _row(token: Token, at: datetime) -> TokenRow:
    row = TokenRow(token.uid, driver_id=token.driver_id, body=_body(token), changed_s=int(at.timestamp()))
    if token.operator_id:
        row.operator_id = token.operator_id
    if token.claimed_until is not None:
        row.claimed_until_s = int(token.claimed_until.timestamp())
        row.expires_at = token.claimed_until + _LAPSED_KEPT
    return row


def _token(row: TokenRow) -> Token:
    token = decode(Token, row.body)
    if row.refused:
        token = replace(token, refused=decode(RefusedToken, row.refused))
    return replace(token, contract=decode(ContractSeen, row.contract)) if row.contract else token


def _rows(names: Iterable[str]) -> Mapping[str, TokenRow]:
    keys = [it for it in dict.fromkeys(names) if can_be_key(it)]
    if not keys:
        return {}
    return {row.uid: row for row in TokenRow.batch_get(keys, consistent_read=True)}


def _in_order(names: Iterable[str], rows: Mapping[str, TokenRow]) -> Sequence[Token]:
    found = (rows.get(it) for it in dict.fromkeys(names))
    return [_token(row) for row in found if row is not None and row.body is not None]


def _misses(by: str, at: datetime) -> str:
    return f"{_MISSES}{by}/{at.astimezone(UTC):%Y%m%d%H}"
