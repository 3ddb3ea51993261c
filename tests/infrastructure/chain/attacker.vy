# pragma version 0.4.3
# pragma evm-version cancun
"""
@title Whoever would take more than their due: comes back from within a payment, or refuses it
"""

interface Escrow:
    def deposit(session: bytes32, operator: address, payee: address, expires_at: uint256): payable
    def settle(session: bytes32, amount: uint256, log_root: bytes32): nonpayable
    def refund(session: bytes32): nonpayable
    def withdraw(payee: address): nonpayable

escrow: address
session: bytes32
refuses: public(bool)
comes_back: public(bool)
succeeded: public(bool)


@deploy
def __init__(escrow: address):
    self.escrow = escrow


@external
def be(session: bytes32, refuses: bool, comes_back: bool):
    self.session = session
    self.refuses = refuses
    self.comes_back = comes_back


@external
@payable
def deposit(session: bytes32, operator: address, payee: address, expires_at: uint256):
    extcall Escrow(self.escrow).deposit(session, operator, payee, expires_at, value=msg.value)


@external
def settle(session: bytes32, amount: uint256):
    extcall Escrow(self.escrow).settle(session, amount, empty(bytes32))


@external
@payable
def __default__():
    # It takes all the gas that it was given with it.
    assert not self.refuses, UNREACHABLE
    if self.comes_back:
        self._again(abi_encode(self.session, convert(1, uint256), empty(bytes32), method_id=method_id("settle(bytes32,uint256,bytes32)")))
        self._again(abi_encode(self.session, method_id=method_id("refund(bytes32)")))
        self._again(abi_encode(self, method_id=method_id("withdraw(address)")))


@internal
def _again(call: Bytes[132]):
    done: bool = raw_call(self.escrow, call, revert_on_failure=False)
    self.succeeded = self.succeeded or done
