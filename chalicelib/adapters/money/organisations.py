"""Organisations that pay for their drivers, in DynamoDB, beside wallets.

What is set aside or settled is one transaction: the month's budget, the session and the ledger change together, or
nothing does. Two who use a budget at once are told apart by its version.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pynamodb.exceptions import TransactWriteError
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamo import decode, delete, encode, find, put
from chalicelib.adapters.expressions import Clause
from chalicelib.adapters.money.ledger import add_transfers, still_missing
from chalicelib.adapters.tables import WalletRow, connection
from chalicelib.domain.money.organisation import (
    MemberCode,
    MonthSpent,
    Organisation,
    OrganisationMember,
    PaidSession,
)
from chalicelib.records.money import BudgetMovement

_MEMBER, _MONTH, _SESSION, _CODE = "member#", "month#", "session#", "code"
_RACES = {"ConditionalCheckFailed", "TransactionConflict"}


class DynamoOrganisations:
    """Organisations in DynamoDB: the port Organisations. Methods make one call where they say nothing else."""

    def put(self, it: Organisation) -> None:
        put(WalletRow(f"organisations#{it.operator_id}", it.organisation_id, body=encode(it)))

    def get(self, operator_id: str, organisation_id: str) -> Organisation | None:
        row = find(WalletRow, f"organisations#{operator_id}", organisation_id)
        return decode(Organisation, row.body) if row else None

    def of_operator(self, operator_id: str) -> Sequence[Organisation]:
        rows = WalletRow.query(f"organisations#{operator_id}", consistent_read=True)
        return [decode(Organisation, row.body) for row in rows]

    def add_member(self, operator_id: str, organisation_id: str, member: OrganisationMember) -> None:
        put(WalletRow(_of(operator_id, organisation_id), _MEMBER + member.driver_id, body=encode(member)))

    def remove_member(self, operator_id: str, organisation_id: str, driver_id: str) -> None:
        delete(WalletRow(_of(operator_id, organisation_id), _MEMBER + driver_id))

    def member(self, operator_id: str, organisation_id: str, driver_id: str) -> OrganisationMember | None:
        row = find(WalletRow, _of(operator_id, organisation_id), _MEMBER + driver_id)
        return decode(OrganisationMember, row.body) if row else None

    def members(self, operator_id: str, organisation_id: str) -> Sequence[OrganisationMember]:
        about = WalletRow.about.startswith(_MEMBER)
        rows = WalletRow.query(_of(operator_id, organisation_id), about, consistent_read=True)
        return [decode(OrganisationMember, row.body) for row in rows]

    def add_code(self, code: MemberCode) -> None:
        put(WalletRow(_code(code.code_hash), _CODE, body=encode(code), version=1))

    def code(self, code_hash: str) -> MemberCode | None:
        row = find(WalletRow, _code(code_hash), _CODE)
        return decode(MemberCode, row.body) if row else None

    def use_code(self, code: MemberCode, driver_id: str) -> bool:
        # What the organisation calls its driver stands with the member from now on, and goes with them.
        used = replace(code, used_by=driver_id, reference="")
        return put(WalletRow(_code(code.code_hash), _CODE, body=encode(used), version=2), WalletRow.version == 1)

    def spent(self, operator_id: str, organisation_id: str, month: str) -> MonthSpent:
        row = find(WalletRow, _of(operator_id, organisation_id), _MONTH + month)
        return decode(MonthSpent, row.body) if row else MonthSpent(month=month)

    def session(self, operator_id: str, organisation_id: str, month: str, session_id: str) -> PaidSession | None:
        row = find(WalletRow, _of(operator_id, organisation_id), f"{_SESSION}{month}#{session_id}")
        return decode(PaidSession, row.body) if row else None

    def sessions(self, operator_id: str, organisation_id: str, month: str) -> Sequence[PaidSession]:
        about = WalletRow.about.startswith(f"{_SESSION}{month}#")
        rows = WalletRow.query(_of(operator_id, organisation_id), about, consistent_read=True)
        return [decode(PaidSession, row.body) for row in rows]

    def move(self, movement: BudgetMovement) -> bool:
        missing = list(movement.transfers)
        owner = _of(movement.operator_id, movement.organisation_id)
        (spent_before, spent), (before, session) = movement.spent, movement.session
        spent = replace(spent, version=spent_before.version + 1)
        session = replace(session, version=(before.version if before else 0) + 1)
        about = f"{_SESSION}{session.month}#{session.session_id}"
        while True:
            try:
                with TransactWrite(connection=connection) as transaction:
                    month = WalletRow(owner, _MONTH + spent.month, body=encode(spent), version=spent.version)
                    transaction.save(month, condition=_as_known(spent_before.version))
                    row = WalletRow(owner, about, body=encode(session), version=session.version)
                    transaction.save(row, condition=_as_known(before.version if before else 0))
                    add_transfers(transaction, missing)
            except TransactWriteError as error:
                own, ledgers = error.cancellation_reasons[:2], error.cancellation_reasons[2:]
                codes = {it.code for it in own if it is not None}
                if codes:
                    if not codes <= _RACES:
                        raise
                    return False
                before_now = len(missing)
                missing = still_missing(missing, ledgers, error)
                if len(missing) == before_now:
                    return False
            else:
                return True


def _of(operator_id: str, organisation_id: str) -> str:
    return f"organisation#{operator_id}#{organisation_id}"


def _code(code_hash: str) -> str:
    return f"member_code#{code_hash}"


def _as_known(version: int) -> Clause:
    return WalletRow.version == version if version else WalletRow.owner.does_not_exist()
