"""An operator settles with nothing but what ships: it hashes, encodes and signs as others do, and is believed."""

from __future__ import annotations

import pytest
import rlp as other_rlp  # type: ignore[import-untyped]
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature, encode_dss_signature
from eth_keys.datatypes import PrivateKey
from eth_keys.datatypes import Signature as OtherSignature
from eth_utils.crypto import keccak
from eth_utils.exceptions import ValidationError
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.infrastructure.chain.chain import ROOT, Chain, called
from tests.infrastructure.chain.signing import Call, Item, N, address, hashed, rlp, signature

SESSION = keccak(b"session")
_SHA256 = Prehashed(hashes.SHA256())
ITEMS = st.recursive(
    st.integers(0, 2**256) | st.binary(max_size=70) | st.sampled_from([bytes(55), bytes(56), bytes(300)]),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=12,
)


class Key:
    """Somebody's key, as KMS has it: it signs digests, and which half `s` is in is chance."""

    def __init__(self, secret: int) -> None:
        self._key = ec.derive_private_key(secret, ec.SECP256K1())
        numbers = self._key.public_key().public_numbers()
        self.point = (numbers.x, numbers.y)

    def sign(self, digest: bytes) -> bytes:
        """A DER signature of it."""
        return self._key.sign(digest, ec.ECDSA(_SHA256))


def as_numbers(item: Item) -> object:
    """What the other library takes."""
    if isinstance(item, int):
        return item.to_bytes((item.bit_length() + 7) // 8, "big")
    return item if isinstance(item, bytes) else [as_numbers(it) for it in item]


@given(st.binary(max_size=300) | st.integers(134, 138).map(bytes))
@settings(max_examples=40, deadline=None)
def test_it_hashes_as_others_do(message: bytes) -> None:
    assert hashed(message) == keccak(message)


@given(ITEMS)
@settings(max_examples=60, deadline=None)
def test_it_encodes_as_others_do(item: Item) -> None:
    assert rlp(item) == other_rlp.encode(as_numbers(item))


@given(st.integers(1, N - 1), st.binary(min_size=32, max_size=32), st.booleans())
@settings(max_examples=6, deadline=None)
def test_whoever_recovers_the_key_of_a_signature_finds_its_signers(secret: int, digest: bytes, is_high: bool) -> None:
    key = Key(secret)
    r, s = decode_dss_signature(key.sign(digest))
    # KMS answers either; a chain takes the lower one alone.
    s = max(s, N - s) if is_high else min(s, N - s)
    made = signature(digest, encode_dss_signature(r, s), key.point)
    assert made.s <= N // 2
    found = OtherSignature(vrs=(made.parity, made.r, made.s)).recover_public_key_from_msg_hash(digest)
    other = PrivateKey(secret.to_bytes(32, "big")).public_key
    assert found == other
    assert address(key.point) == other.to_canonical_address()


def test_a_signature_of_another_key_is_no_ones() -> None:
    with pytest.raises(ValueError, match="not that key's"):
        signature(SESSION, Key(1).sign(SESSION), Key(2).point)


def test_an_operator_with_a_key_of_its_own_settles_once_however_often_it_sends() -> None:
    """An answer that was lost is found again by what the contract says; the same bytes again move nothing."""
    chain, key = Chain(), Key(0xC0FFEE)
    rich, driver, *_ = chain.people
    operator = address(key.point)
    chain.tester.send_transaction({"from": rich, "to": "0x" + operator.hex(), "value": 10**18, "gas": 21_000})
    chain.send(driver, "deposit", SESSION, "0x" + operator.hex(), chain.payee, chain.now + 86_400, value=5000)
    call = Call(
        chain_id=chain.chain_id,
        nonce=0,
        tip=10**9,
        most_fee=10**10,
        gas=100_000,
        to=bytes.fromhex(chain.escrow[2:]),
        data=called("settle", SESSION, 3000, ROOT),
    )
    raw = "0x" + call.signed(key.sign, key.point).hex()
    sent = chain.tester.send_raw_transaction(raw)
    assert sent == "0x" + hashed(bytes.fromhex(raw[2:])).hex()
    assert chain.tester.get_transaction_receipt(sent)["status"] == 1
    with pytest.raises(ValidationError, match="nonce"):
        chain.tester.send_raw_transaction(raw)
    payer, whose, payee, settled, _ = chain.ask("escrow_of", SESSION)
    assert (payer, int(whose, 16), payee, settled) == (driver.lower(), 0, chain.payee.lower(), 3000)
    assert (chain.balance(), chain.balance("0x" + operator.hex()) < 10**18) == (0, True)
