"""What holds once a network has come to rest, whatever went wrong on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from chalicelib import wiring
from chalicelib.adapters.dynamo import decode
from chalicelib.adapters.tables import DebtRow, LedgerRow, ReservationRow, SessionRow, TransactionRow, WalletRow
from chalicelib.domain.charging.session import Origin, Session, State
from chalicelib.domain.money.ledger import (
    Transfer,
    TransferKind,
    Unbalanced,
    balances,
    driver_account,
    held_minor,
    refunded_minor,
    unpaired,
    wallet_account,
)
from chalicelib.domain.money.wallet import wallet_of
from chalicelib.domain.pricing.evidence import Flag
from chalicelib.services.access import Refusal
from chalicelib.services.chargers.connectors import is_held
from tests.faults.charger import Charge
from tests.faults.stories import CHARGER, DRIVER, ONE, PREPAID
from tests.faults.world import World


def sessions() -> list[Session]:
    """All there are."""
    return [decode(Session, row.body) for row in SessionRow.scan()]


def unrest(world: World) -> list[str]:
    """What is still to come."""
    with world.aside():
        return list(_unrest(world))


def broken(world: World) -> list[str]:
    """What does not hold."""
    with world.aside():
        known = sessions()
        return [*_unrest(world), *world.told_early, *_books(world, known), *_charges(world, known), *_places(world)]


def _unrest(world: World) -> Iterator[str]:
    for session in sessions():
        if not session.is_at_rest:
            yield f"session {session.session_id} is {session.state}"
        execution = world.engine.executions.get(session.session_id)
        if execution is not None and execution.status == "RUNNING":
            yield f"the workflow of {session.session_id} stands at {execution.state}"
        if execution is not None and execution.status == "FAILED":
            yield f"the workflow of {session.session_id} failed at {execution.state}"
    for charger in world.chargers.values():
        if charger.queue:
            yield f"{charger.charger_id} still has {len(charger.queue)} messages"
        if charger.charge is not None:
            yield f"{charger.charger_id} still charges"
    if world.untold:
        yield f"{world.untold} webhooks were not heard"
    for row in DebtRow.scan():
        yield f"{row.session_id} is owed for"
    for paper in WalletRow.scan():
        if paper.next_at is not None:
            yield f"{paper.about} of {paper.owner} is not settled"
    for found in ReservationRow.scan():
        if found.due_shard is not None:
            yield f"reservation {found.reservation_id} is {found.standing} and not settled"
    for unclaimed in TransactionRow.scan():
        if unclaimed.unclaimed_shard is not None:
            yield f"transaction {unclaimed.ref} is unclaimed"


def _books(world: World, known: list[Session]) -> Iterator[str]:
    entries = [decode(Transfer, row.body) for row in LedgerRow.scan()]
    totals = balances(entries)
    if sum(totals.values()):
        yield f"the ledger sums to {sum(totals.values())}"
    owed_minor = totals.get((driver_account(DRIVER), "EUR"), 0)
    if owed_minor:
        yield f"the driver's account stands at {owed_minor}"
    driver = wiring.network().drivers.get(DRIVER)
    if driver is None or driver.owes:
        yield f"the driver is kept out for {driver.owes if driver else None}"
    taken: Counter[str] = Counter()
    for intent in world.provider.intents.values():
        if "session_id" not in intent.metadata:
            # Whether a card is good for a reservation: what is not given back lapses, and nothing is ever taken.
            if intent.received:
                yield f"{intent.id} took {intent.received} for nothing"
            continue
        taken[intent.metadata["session_id"]] += intent.received
        if intent.status == "requires_capture":
            yield f"hold {intent.id} of {intent.metadata['session_id']} is forgotten"
    names = {session.session_id for session in known}
    top_ups = {name for name in taken if wallet_of(name)}
    yield from _wallets(world, entries)
    for session_id in taken.keys() - names - top_ups:
        yield f"money for {session_id}, which does not exist"
    for session in known:
        own = [it for it in entries if it.session_id == session.session_id]
        try:
            if held_minor(own):
                yield f"by the ledger {held_minor(own)} are still held for {session.session_id}"
        except Unbalanced as error:
            yield str(error)
        yield from _paid(session, taken[session.session_id], own)
        yield from unpaired(own)


def _wallets(world: World, entries: list[Transfer]) -> Iterator[str]:
    """Nothing is negative, nothing is stranded, and each top-up is in a wallet once."""
    totals = balances(entries)
    store = wiring.network().wallets
    for wallet in store.of_driver(DRIVER):
        lines, _ = store.entries(DRIVER, wallet.currency, 100, None)
        booked_minor = -totals.get((wallet_account(DRIVER), wallet.currency), 0)
        if not wallet.balance_minor == booked_minor == sum(it.amount_minor for it in lines):
            yield f"the wallet says {wallet.balance_minor}, the ledger {booked_minor}, the statement {lines}"
        if wallet.auto is not None and wallet.month_minor > wallet.auto.monthly_cap_minor:
            yield f"{wallet.month_minor} were taken unasked, beyond the cap"
    for (account, _), amount in totals.items():
        if account.startswith("escrow/") and amount:
            yield f"{account} stands at {amount}"
    named = {it.session_id: it for it in entries if it.kind is TransferKind.TOP_UP}
    for intent in world.provider.intents.values():
        top_up_id = intent.metadata.get("session_id", "")
        if wallet_of(top_up_id):
            booked = named.pop(top_up_id, None)
            if intent.received != (booked.amount_minor if booked else 0):
                yield f"top-up {top_up_id} took {intent.received}, and {booked} is booked"
            back_minor = refunded_minor(it for it in entries if it.session_id == top_up_id).get(intent.id, 0)
            if intent.given_back != back_minor:
                yield f"of top-up {top_up_id} {intent.given_back} went back, {back_minor} by the books"
    gone = [it for it in named if named[it].reference != PREPAID]
    if gone:
        yield f"{gone} were never paid"


def _paid(session: Session, taken_minor: int, own: list[Transfer]) -> Iterator[str]:
    billed_minor = session.bill.total_minor if session.bill else 0
    written_off_minor = sum(it.amount_minor for it in own if it.kind is TransferKind.WRITE_OFF)
    off_minor = written_off_minor + session.waived_minor
    booked_minor = sum(it.amount_minor for it in own if it.kind in (TransferKind.CAPTURE, TransferKind.CHARGE))
    from_wallet_minor = sum(
        it.amount_minor for it in own if it.kind in (TransferKind.ESCROW_SETTLED, TransferKind.WALLET_CHARGE)
    )
    booked_minor, taken_minor = booked_minor + from_wallet_minor, taken_minor + from_wallet_minor
    name = f"session {session.session_id} ({session.state}, {session.reason})"
    if taken_minor > billed_minor:
        yield f"{name}: {taken_minor} taken for a bill of {billed_minor}"
    if taken_minor + off_minor != billed_minor and session.driver_id is not None:
        yield f"{name}: {taken_minor} taken and {off_minor} let go of a bill of {billed_minor}"
    if session.written_off_minor != written_off_minor:
        yield f"{name}: says {session.written_off_minor} are written off, its books {written_off_minor}"
    if session.is_over and session.due_minor:
        yield f"{name}: {session.due_minor} are due, and nobody asks for them"
    if booked_minor != taken_minor:
        yield f"{name}: {booked_minor} booked, {taken_minor} taken"
    if session.bill is not None and session.driver_id is not None:
        paid_minor = session.payment.amount_minor if session.payment else 0
        if paid_minor != taken_minor:
            yield f"{name}: says {paid_minor} are paid, {taken_minor} are"


def _charges(world: World, known: list[Session]) -> Iterator[str]:
    charged = [it for it in known if it.origin is not Origin.RESERVATION]
    charges = [it for charger in world.chargers.values() for it in charger.charges]
    is_lost = any(charger.is_lost for charger in world.chargers.values())
    for charge in charges:
        own = [it for it in charged if it.ref == charge.ref]
        if len(own) != 1 and not is_lost and not _is_nobodys(charge, known):
            yield f"charge {charge.ref} of {charge.energy_wh} Wh has {len(own)} sessions"
        for session in own:
            is_known = not is_lost and Flag.END_UNKNOWN not in session.flags
            if (session.energy_wh or 0) > charge.energy_wh or (is_known and session.energy_wh != charge.energy_wh):
                yield f"session {session.session_id} has {session.energy_wh} of {charge.energy_wh} Wh"
            if session.state is not State.COMPLETED and session.reason is None:
                yield f"session {session.session_id} ended as {session.state} without a reason"
    refs = {charge.ref for charge in charges}
    for session in charged:
        if session.ref is not None and session.ref not in refs and not is_lost:
            yield f"session {session.session_id} is of {session.ref}, which never was"
        if session.ref is None and session.bill is not None and session.bill.total_minor:
            yield f"session {session.session_id} is billed for nothing"


def _is_nobodys(charge: Charge, known: list[Session]) -> bool:
    """Begun under a session that was over by then: the charger was told to end it, and it is given away."""
    return any(it.token == charge.token and it.is_over and it.ref is None for it in known)


def _places(world: World) -> Iterator[str]:
    """The same driver may begin again at the same connector."""
    if not any(charger.is_lost for charger in world.chargers.values()):
        try:
            wiring.network().eligibility.spot(wiring.network().eligibility.payer(DRIVER), CHARGER, ONE)
        except Refusal as error:
            yield f"the next charge is refused: {error}"
    for charger_id in world.chargers:
        for state in wiring.network().connectors.of_charger(charger_id):
            # A session that never got so far as a workflow leaves its connector to whoever asks for it next.
            if state.session_id is not None and (
                state.session_id in world.engine.executions or is_held(wiring.network().sessions, state)
            ):
                yield f"connector {state.connector} is still {state.session_id}'s"
            if state.is_kept(world.now()):
                yield f"connector {state.connector} is still kept for {state.reserved_for}"
