"""The escrow on chain: pays each session once, never above its deposit, and keeps nothing that is not somebody's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from eth_tester.exceptions import TransactionFailed
from eth_utils.crypto import keccak
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule

from infrastructure.chain.compiled import kept, made
from tests.infrastructure.chain.chain import ROOT, Chain, Refused

HOUR_S, DAY_S = 3600, 86_400
NOBODY = "0x" + 40 * "0"
SESSION = keccak(b"session")
MOST_GAS = {"deposit": 120_000, "settle": 60_000}


@pytest.fixture(scope="module")
def fresh() -> Chain:
    return Chain()


@pytest.fixture
def chain(fresh: Chain) -> Iterator[Chain]:
    before = fresh.tester.take_snapshot()
    yield fresh
    fresh.tester.revert_to_snapshot(before)


def deposited(chain: Chain, amount: int = 5000, open_s: int = DAY_S) -> int:
    """A driver's deposit with an operator; when it expires."""
    _, driver, operator, *_ = chain.people
    expires_at = chain.now + open_s
    chain.send(driver, "deposit", SESSION, operator, chain.payee, expires_at, value=amount)
    return expires_at


def test_what_is_deployed_is_what_the_source_says() -> None:
    assert made() == kept()


def test_an_operator_settles_up_to_the_deposit_and_the_rest_goes_back(chain: Chain) -> None:
    _, driver, operator, *_ = chain.people
    expires_at = chain.now + DAY_S
    sent = chain.send(driver, "deposit", SESSION, operator, chain.payee, expires_at, value=5000)
    assert sent.events == (("Deposited", (SESSION, operator.lower(), chain.payee.lower(), 5000, expires_at)),)
    parties = (driver.lower(), operator.lower(), chain.payee.lower())
    assert chain.ask("escrow_of", SESSION) == (*parties, 5000, expires_at)
    before, payees_before = chain.balance(driver), chain.balance(chain.payee)
    sent = chain.send(operator, "settle", SESSION, 3000, ROOT)
    # An amount, what is left of it, and the root of the log: nothing else is told.
    assert sent.events == (("Settled", (SESSION, 3000, 2000, ROOT)),)
    assert (chain.balance(driver) - before, chain.balance()) == (2000, 0)
    # Whoever signs has none of it, and what was settled is told for good.
    assert chain.balance(chain.payee) - payees_before == 3000
    assert chain.ask("escrow_of", SESSION) == (driver.lower(), NOBODY, chain.payee.lower(), 3000, expires_at)


@pytest.mark.parametrize("amount", [0, 1, 4999, 5000])
def test_settling_costs_no_more_gas_than_promised(chain: Chain, amount: int) -> None:
    _, driver, operator, *_ = chain.people
    took = chain.send(driver, "deposit", SESSION, operator, chain.payee, chain.now + DAY_S, value=5000).gas
    assert took <= MOST_GAS["deposit"]
    took = chain.send(operator, "settle", SESSION, amount, ROOT).gas
    assert took <= MOST_GAS["settle"]


def test_a_payee_who_never_had_anything_is_made_an_account_once(chain: Chain) -> None:
    """Whoever is paid first is made an account by the chain, which takes 25,000 gas: once in a payee's life."""
    _, driver, operator, *_ = chain.people
    payee, took = "0x" + 40 * "7", []
    for session in (SESSION, keccak(b"other")):
        chain.send(driver, "deposit", session, operator, payee, chain.now + DAY_S, value=5000)
        took.append(chain.send(operator, "settle", session, 5000, ROOT).gas)
    assert took[0] <= MOST_GAS["settle"] + 25_000
    assert took[1] <= MOST_GAS["settle"]
    assert chain.balance(payee) == 10_000


def test_nobody_settles_for_another_or_above_the_deposit_or_twice(chain: Chain) -> None:
    other, driver, operator, *_ = chain.people
    deposited(chain)
    for who, amount, why in ((other, 1, "another's"), (driver, 1, "another's"), (operator, 5001, "above the deposit")):
        with pytest.raises(Refused, match=why):
            chain.send(who, "settle", SESSION, amount, ROOT)
    chain.send(operator, "settle", SESSION, 0, ROOT)
    for name, arguments in (("settle", (SESSION, 0, ROOT)), ("refund", (SESSION,))):
        with pytest.raises(Refused, match="not open"):
            chain.send(operator, name, *arguments)


def test_a_session_is_deposited_for_once_ever(chain: Chain) -> None:
    operator = chain.people[2]
    deposited(chain)
    with pytest.raises(Refused, match="deposited before"):
        deposited(chain)
    chain.send(operator, "settle", SESSION, 1, ROOT)
    with pytest.raises(Refused, match="deposited before"):
        deposited(chain)


def test_what_expired_goes_back_by_anybody_and_is_settled_no_more(chain: Chain) -> None:
    anybody, driver, operator, *_ = chain.people
    expires_at = deposited(chain)
    with pytest.raises(Refused, match="not expired"):
        chain.send(anybody, "refund", SESSION)
    chain.wait(expires_at + 10)
    with pytest.raises(Refused, match="expired"):
        chain.send(operator, "settle", SESSION, 1, ROOT)
    before = chain.balance(driver)
    assert chain.send(anybody, "refund", SESSION).events == (("Refunded", (SESSION, 5000)),)
    assert (chain.balance(driver) - before, chain.balance()) == (5000, 0)


@pytest.mark.parametrize("closed_by", ["settle", "refund"])
def test_a_closed_escrow_stays_closed_and_no_one_is_paid_again_from_the_money_of_others(
    chain: Chain, closed_by: str
) -> None:
    other, driver, operator, *_ = chain.people
    chain.send(other, "deposit", keccak(b"other"), operator, chain.payee, chain.now + 2 * DAY_S, value=9000)
    expires_at = deposited(chain)
    if closed_by == "settle":
        chain.send(operator, "settle", SESSION, 3000, ROOT)
    else:
        chain.wait(expires_at + 1)
        chain.send(other, "refund", SESSION)
    # It is nobody's to settle any more, and its driver and time stay, so that it is not deposited for again.
    settled = 3000 if closed_by == "settle" else 0
    assert chain.ask("escrow_of", SESSION) == (driver.lower(), NOBODY, chain.payee.lower(), settled, expires_at)
    for name, arguments in (("settle", (SESSION, 0, ROOT)), ("settle", (SESSION, 5000, ROOT)), ("refund", (SESSION,))):
        with pytest.raises(Refused, match="not open"):
            chain.send(operator, name, *arguments)
    chain.wait(max(chain.now, expires_at) + 1)
    with pytest.raises(Refused, match="not open"):
        chain.send(other, "refund", SESSION)
    assert chain.balance() == 9000


def test_at_the_moment_it_expires_its_operator_may_settle_and_nobody_may_refund(chain: Chain) -> None:
    _, driver, operator, *_ = chain.people
    expires_at = deposited(chain)
    chain.wait(expires_at)
    with pytest.raises(Refused, match="not expired"):
        chain.send(driver, "refund", SESSION)
    chain.send(operator, "settle", SESSION, 5000, ROOT)
    assert chain.now == expires_at


def test_a_second_later_anybody_may_refund_and_its_operator_settles_no_more(chain: Chain) -> None:
    _, driver, operator, *_ = chain.people
    expires_at = deposited(chain)
    chain.wait(expires_at + 1)
    with pytest.raises(Refused, match="expired"):
        chain.send(operator, "settle", SESSION, 5000, ROOT)
    chain.send(driver, "refund", SESSION)
    assert chain.now == expires_at + 1


@pytest.mark.parametrize(
    ("value", "nobody", "open_s", "why"),
    [
        (0, "", DAY_S, "amount"),
        (2**96, "", DAY_S, "amount"),
        (1, "operator", DAY_S, "operator"),
        (1, "payee", DAY_S, "payee"),
        (1, "", HOUR_S - 60, "expiry"),
        (1, "", 31 * DAY_S, "expiry"),
    ],
)
def test_a_deposit_that_makes_no_sense_is_refused(chain: Chain, value: int, nobody: str, open_s: int, why: str) -> None:
    _, driver, operator, *_ = chain.people
    whose = {"operator": operator, "payee": chain.payee, nobody: NOBODY}
    parties = (whose["operator"], whose["payee"])
    with pytest.raises(Refused, match=why):
        chain.send(driver, "deposit", SESSION, *parties, chain.now + open_s, value=value)


def test_money_that_belongs_to_no_session_is_not_taken(chain: Chain) -> None:
    _, driver, *_ = chain.people
    with pytest.raises(TransactionFailed):
        chain.tester.call({"from": driver, "to": chain.escrow, "value": 1, "data": "0x"})


@pytest.mark.parametrize("is_driver", [True, False])
def test_whoever_refuses_money_stops_nobody_and_has_it_later(chain: Chain, is_driver: bool) -> None:
    _, driver, operator, *_ = chain.people
    attacker = chain.attacker()
    chain.send(driver, "be", SESSION, True, False, to=attacker)
    if is_driver:
        chain.send(driver, "deposit", SESSION, operator, chain.payee, chain.now + DAY_S, value=5000, to=attacker)
        chain.send(operator, "settle", SESSION, 3000, ROOT)
    else:
        chain.send(driver, "deposit", SESSION, attacker, attacker, chain.now + DAY_S, value=5000)
        chain.send(driver, "settle", SESSION, 2000, to=attacker)
    assert chain.ask("kept", attacker) == (2000,)
    assert chain.balance() == 2000
    with pytest.raises(Refused):
        chain.send(operator, "withdraw", attacker)
    chain.send(driver, "be", SESSION, False, False, to=attacker)
    chain.send(operator, "withdraw", attacker)
    assert (chain.balance(attacker), chain.balance()) == (2000, 0)
    with pytest.raises(Refused, match="nothing kept"):
        chain.send(operator, "withdraw", attacker)


def test_what_is_kept_for_one_who_refuses_adds_up_and_is_paid_at_once(chain: Chain) -> None:
    _, driver, *_ = chain.people
    attacker = chain.attacker()
    chain.send(driver, "be", SESSION, True, False, to=attacker)
    for session, amount in ((SESSION, 2000), (keccak(b"other"), 3000)):
        chain.send(driver, "deposit", session, attacker, attacker, chain.now + DAY_S, value=5000)
        chain.send(driver, "settle", session, amount, to=attacker)
    assert (chain.ask("kept", attacker), chain.balance()) == ((5000,), 5000)
    chain.send(driver, "be", SESSION, False, False, to=attacker)
    chain.send(driver, "withdraw", attacker)
    assert (chain.balance(attacker), chain.balance()) == (5000, 0)


@pytest.mark.parametrize("is_driver", [True, False])
def test_whoever_comes_back_from_within_a_payment_gets_nothing_more(chain: Chain, is_driver: bool) -> None:
    _, driver, operator, other, *_ = chain.people
    attacker = chain.attacker()
    # Somebody else's money lies there too.
    chain.send(other, "deposit", keccak(b"other"), operator, chain.payee, chain.now + DAY_S, value=9000)
    chain.send(driver, "be", SESSION, True, True, to=attacker)
    if is_driver:
        chain.send(driver, "deposit", SESSION, operator, chain.payee, chain.now + DAY_S, value=5000, to=attacker)
        chain.send(operator, "settle", SESSION, 3000, ROOT)
    else:
        chain.send(driver, "deposit", SESSION, attacker, attacker, chain.now + DAY_S, value=5000)
        chain.send(driver, "settle", SESSION, 2000, to=attacker)
    # By `withdraw` it has all the gas that it wants.
    chain.send(driver, "be", SESSION, False, True, to=attacker)
    chain.send(driver, "withdraw", attacker)
    assert chain.ask("succeeded", to=attacker) == (False,)
    assert (chain.balance(attacker), chain.balance()) == (2000, 9000)


@dataclass(frozen=True)
class Deposit:
    driver: str
    operator: str
    amount: int
    expires_at: int


class Escrows(RuleBasedStateMachine):
    """Whatever people do: the contract holds what open escrows hold and what nobody took, and each is closed once."""

    sessions = Bundle("sessions")
    shared: Chain | None = None

    def __init__(self) -> None:
        super().__init__()
        type(self).shared = self.chain = type(self).shared or Chain()
        self.before = self.chain.tester.take_snapshot()
        self.deposits: dict[bytes, Deposit] = {}
        self.open: set[bytes] = set()
        self.kept = 0

    def teardown(self) -> None:
        # Whoever came back from within a payment never got anything.
        assert not self.deposits or self.chain.ask("succeeded", to=self.attacker) == (False,)
        self.chain.tester.revert_to_snapshot(self.before)

    @initialize()
    def an_attacker(self) -> None:
        self.attacker = self.chain.attacker()

    @rule(
        target=sessions,
        driver=st.integers(1, 3),
        operator=st.sampled_from([4, 5, None]),
        amount=st.integers(1, 10_000),
        open_s=st.integers(HOUR_S + 60, 3 * HOUR_S),
    )
    def deposit(self, driver: int, operator: int | None, amount: int, open_s: int) -> bytes:
        session = keccak(len(self.deposits).to_bytes(4, "big"))
        whom = self.attacker if operator is None else self.chain.people[operator]
        it = Deposit(self.chain.people[driver], whom, amount, self.chain.now + open_s)
        self.chain.send(it.driver, "deposit", session, whom, self.payee_of(whom), it.expires_at, value=amount)
        self.deposits[session] = it
        self.open.add(session)
        return session

    @rule(session=sessions, permille=st.sampled_from([500, 1000, 0, 1001, 2000]))
    def settle(self, session: bytes, permille: int) -> None:
        it = self.deposits[session]
        amount = -(-it.amount * permille // 1000)
        if self._is_close_to_expiry(it):
            return
        is_right = session in self.open and amount <= it.amount and self.chain.now < it.expires_at
        before, payees_before = self.chain.balance(it.driver), self.chain.balance(self.chain.payee)
        try:
            self._settle(session, it.operator, amount)
        except Refused:
            assert not is_right
            return
        assert is_right
        assert self.chain.balance(it.driver) - before == it.amount - amount
        paid = 0 if it.operator == self.attacker else amount
        assert self.chain.balance(self.chain.payee) - payees_before == paid
        *_, settled, _ = self.chain.ask("escrow_of", session)
        assert settled == amount
        self.open.remove(session)
        self.kept += amount if it.operator == self.attacker else 0
        with pytest.raises(Refused):
            self._settle(session, it.operator, 0)

    @rule(session=sessions, by=st.integers(0, 3))
    def settle_as_nobody(self, session: bytes, by: int) -> None:
        with pytest.raises(Refused):
            self._settle(session, self.chain.people[by], 0)

    @rule(session=sessions, by=st.sampled_from([0, 7]))
    def refund(self, session: bytes, by: int) -> None:
        it = self.deposits[session]
        if self._is_close_to_expiry(it):
            return
        before = self.chain.balance(it.driver)
        try:
            self.chain.send(self.chain.people[by], "refund", session)
        except Refused:
            assert session not in self.open or self.chain.now < it.expires_at
            return
        assert session in self.open
        assert self.chain.now > it.expires_at
        assert self.chain.balance(it.driver) - before == it.amount
        self.open.remove(session)

    @precondition(lambda self: bool(self.open))
    @rule(wait_s=st.sampled_from([HOUR_S // 2, 2 * HOUR_S]))
    def time_goes_by(self, wait_s: int) -> None:
        self.chain.wait(self.chain.now + wait_s)

    @invariant()
    def what_it_holds_is_somebodys(self) -> None:
        assert self.chain.balance() == sum(self.deposits[it].amount for it in self.open) + self.kept

    def payee_of(self, operator: str) -> str:
        """Who has the money: another than whoever signs, unless that takes what it can."""
        return self.attacker if operator == self.attacker else self.chain.payee

    def _settle(self, session: bytes, by: str, amount: int) -> None:
        if by != self.attacker:
            self.chain.send(by, "settle", session, amount, ROOT)
            return
        # It comes back from within, and then refuses the money.
        self.chain.send(self.chain.people[0], "be", session, True, True, to=self.attacker)
        self.chain.send(self.chain.people[0], "settle", session, amount, to=self.attacker)

    def _is_close_to_expiry(self, it: Deposit) -> bool:
        """Blocks come some seconds after each other, and which side of it the next one is on nobody says."""
        return abs(self.chain.now - it.expires_at) <= 60


TestEscrows = Escrows.TestCase
TestEscrows.settings = settings(max_examples=8, stateful_step_count=12)
