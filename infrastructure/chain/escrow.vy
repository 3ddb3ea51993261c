# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Escrow of charging sessions
@notice A driver deposits for one session; its operator settles up to the deposit, until that expires: what is due goes
        to the payee that the deposit names, and the rest back with it; afterwards anybody sends back what nobody
        settled. A session is deposited for once, ever.
@dev    The balance is what open escrows hold and what could not be paid out. Nobody owns this contract, nobody can stop
        or change it, and it keeps amounts, addresses, and names of sessions that lead to nobody. An operator's key
        signs and holds no revenue: it can be exchanged, and whoever steals it can pay nobody but payees and drivers.
"""

MIN_OPEN_S: constant(uint256) = 3600
MAX_OPEN_S: constant(uint256) = 30 * 24 * 3600
# Enough for whoever takes money, and too little to make a settlement fail.
PAYEE_GAS: constant(uint256) = 10_000
# Addresses stand in the low 160 bits of a word, beside them 96 bits of amount or time: three words an escrow, not five.
WHO_BITS: constant(uint256) = 160
WHO: constant(uint256) = 2**160 - 1
MOST: constant(uint256) = 2**96 - 1

event Deposited:
    session: indexed(bytes32)
    operator: indexed(address)
    payee: address
    amount: uint256
    expires_at: uint256

event Settled:
    session: indexed(bytes32)
    amount: uint256
    rest: uint256
    log_root: bytes32

event Refunded:
    session: indexed(bytes32)
    amount: uint256

event Kept:
    payee: indexed(address)
    amount: uint256

# By session, for good: who pays and when it expires; who is paid.
deposits: HashMap[bytes32, uint256]
payees: HashMap[bytes32, address]
# Whose to settle it is and how much is held, while it is open; how much was settled, and nobody's, once it is closed.
held: HashMap[bytes32, uint256]
# What a payee would not take at the time.
kept: public(HashMap[address, uint256])


@external
@payable
def deposit(session: bytes32, operator: address, payee: address, expires_at: uint256):
    """
    @notice Set money aside for a session with an operator, who has it paid to the payee.
    """
    assert self.deposits[session] == 0, "deposited before"
    assert msg.value > 0 and msg.value <= MOST, "amount"
    assert operator != empty(address), "operator"
    assert payee != empty(address), "payee"
    assert expires_at >= block.timestamp + MIN_OPEN_S and expires_at <= block.timestamp + MAX_OPEN_S, "expiry"
    self.deposits[session] = expires_at << WHO_BITS | convert(msg.sender, uint256)
    self.payees[session] = payee
    self.held[session] = msg.value << WHO_BITS | convert(operator, uint256)
    log Deposited(session=session, operator=operator, payee=payee, amount=msg.value, expires_at=expires_at)


@external
def settle(session: bytes32, amount: uint256, log_root: bytes32):
    """
    @notice Pay out what a session cost, none or all of it included; the rest goes back to its driver.
    @param log_root The root of the log of settled charges, as of then.
    """
    held: uint256 = self.held[session]
    deposited: uint256 = self.deposits[session]
    total: uint256 = held >> WHO_BITS
    assert held & WHO != 0, "not open"
    assert held & WHO == convert(msg.sender, uint256), "another's"
    assert block.timestamp <= deposited >> WHO_BITS, "expired"
    assert amount <= total, "above the deposit"
    self.held[session] = amount << WHO_BITS
    log Settled(session=session, amount=amount, rest=total - amount, log_root=log_root)
    self._pay(self.payees[session], amount)
    self._pay(convert(deposited & WHO, address), total - amount)


@external
def refund(session: bytes32):
    """
    @notice Send back what was not settled in time; for anybody to do.
    """
    held: uint256 = self.held[session]
    deposited: uint256 = self.deposits[session]
    assert held & WHO != 0, "not open"
    assert block.timestamp > deposited >> WHO_BITS, "not expired"
    self.held[session] = 0
    log Refunded(session=session, amount=held >> WHO_BITS)
    self._pay(convert(deposited & WHO, address), held >> WHO_BITS)


@external
def withdraw(payee: address):
    """
    @notice Pay out what a payee would not take before; for anybody to do.
    """
    amount: uint256 = self.kept[payee]
    assert amount > 0, "nothing kept"
    self.kept[payee] = 0
    raw_call(payee, b"", value=amount)


@external
@view
def escrow_of(session: bytes32) -> (address, address, address, uint256, uint256):
    """
    @notice Who pays, whose to settle it is, who is paid, how much is held, and when that expires.
            It is nobody's once it is closed, and the amount is then what was settled.
    """
    held: uint256 = self.held[session]
    deposited: uint256 = self.deposits[session]
    return (
        convert(deposited & WHO, address),
        convert(held & WHO, address),
        self.payees[session],
        held >> WHO_BITS,
        deposited >> WHO_BITS,
    )


@internal
def _pay(payee: address, amount: uint256):
    # Everything is written down by now: whoever comes back from here finds it closed.
    if amount == 0:
        return
    if not raw_call(payee, b"", value=amount, gas=PAYEE_GAS, revert_on_failure=False):
        self.kept[payee] += amount
        log Kept(payee=payee, amount=amount)
