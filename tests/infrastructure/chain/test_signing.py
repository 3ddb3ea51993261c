"""An operator settles with nothing but what ships: it hashes, encodes and signs as others do, and is believed."""

from __future__ import annotations

import pytest
import rlp as other_rlp  # type: ignore[import-untyped]
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from eth_keys.datatypes import PrivateKey
from eth_keys.datatypes import Signature as OtherSignature
from eth_utils.crypto import keccak
from eth_utils.exceptions import ValidationError
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.adapters.money.chain_keys import KmsChainKey, LocalChainKey
from chalicelib.protocol.evm.escrow_calls import (
    DEPOSIT,
    address_of,
    deposit_call,
    escrow_of_call,
    escrow_told,
    session_name,
    settle_call,
)
from chalicelib.protocol.evm.keccak import hashed
from chalicelib.protocol.evm.transactions import ContractCall, Item, N, address, rlp, signature
from infrastructure.chain.compiled import kept
from tests.infrastructure.chain.chain import ROOT, Chain, called

SESSION = keccak(b"session")
_SHA256 = Prehashed(hashes.SHA256())
ITEMS = st.recursive(
    st.integers(0, 2**256) | st.binary(max_size=70) | st.sampled_from([bytes(55), bytes(56), bytes(300)]),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=12,
)


def key_of(secret: int) -> LocalChainKey:
    return LocalChainKey(secret.to_bytes(32, "big").hex())


class Kms:
    """What of KMS a key is asked: it signs digests, and which half `s` is in is chance."""

    def __init__(self, curve: ec.EllipticCurve, *, is_high: bool = False) -> None:
        self._key = ec.derive_private_key(0xC0FFEE, curve)
        self._is_high = is_high
        self.asked: list[dict[str, object]] = []

    def get_public_key(self, **asked: object) -> dict[str, bytes]:
        self.asked.append(asked)
        return {"PublicKey": self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)}

    def sign(self, *, Message: bytes, **asked: object) -> dict[str, bytes]:  # noqa: N803 (KMS has it so)
        self.asked.append(asked)
        r, s = decode_dss_signature(self._key.sign(Message, ec.ECDSA(_SHA256)))
        return {"Signature": encode_dss_signature(r, max(s, N - s) if self._is_high else min(s, N - s))}


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
    key = key_of(secret)
    r, s = key.sign(digest)
    # KMS answers either; a chain takes the lower one alone.
    s = max(s, N - s) if is_high else min(s, N - s)
    made = signature(digest, r, s, key.point)
    assert made.s <= N // 2
    found = OtherSignature(vrs=(made.parity, made.r, made.s)).recover_public_key_from_msg_hash(digest)
    other = PrivateKey(secret.to_bytes(32, "big")).public_key
    assert found == other
    assert address(key.point) == other.to_canonical_address()


def test_a_signature_of_another_key_is_no_ones() -> None:
    with pytest.raises(ValueError, match="not that key's"):
        signature(SESSION, *key_of(1).sign(SESSION), key_of(2).point)


@pytest.mark.parametrize("is_high", [True, False])
def test_a_key_of_kms_signs_what_the_chain_takes(is_high: bool) -> None:
    kms = Kms(ec.SECP256K1(), is_high=is_high)
    key = KmsChainKey(kms, "key-1")
    made = signature(SESSION, *key.sign(SESSION), key.point)
    found = OtherSignature(vrs=(made.parity, made.r, made.s)).recover_public_key_from_msg_hash(SESSION)
    assert found.to_canonical_address() == address(key.point)
    # A digest is signed as it is, and the public key is asked for once.
    signing = {"KeyId": "key-1", "MessageType": "DIGEST", "SigningAlgorithm": "ECDSA_SHA_256"}
    assert kms.asked == [signing, {"KeyId": "key-1"}]


def test_a_key_of_another_curve_and_what_is_no_key_are_refused() -> None:
    with pytest.raises(ValueError, match="no key of secp256k1"):
        _ = KmsChainKey(Kms(ec.SECP256R1()), "key-1").point
    for wrong in ("", "c0ffee", 64 * "x", 66 * "0"):
        with pytest.raises(ValueError, match="hexadecimal"):
            LocalChainKey(wrong)


def test_what_is_said_to_the_contract_is_said_as_its_interface_has_it() -> None:
    name = session_name(b"salt", "KAAAA")
    assert name == keccak(b"saltKAAAA")
    operator, payee = bytes.fromhex(40 * "1"), bytes.fromhex(40 * "2")
    assert deposit_call(name, operator, payee, 7) == called("deposit", name, operator, payee, 7)
    assert settle_call(name, 5, ROOT) == called("settle", name, 5, ROOT)
    assert escrow_of_call(name) == called("escrow_of", name)
    told = next(it for it in kept()["abi"] if it.get("name") == "deposit" and it["type"] == "function")
    assert f"deposit({','.join(it['type'] for it in told['inputs'])})" == DEPOSIT


@pytest.mark.parametrize("answer", [b"", bytes(159), bytes(161), b"\1" + bytes(159)])
def test_what_is_no_answer_of_the_contracts_is_not_believed(answer: bytes) -> None:
    with pytest.raises(ValueError, match=r"no escrow|no address"):
        escrow_told(answer)


@pytest.mark.parametrize("text", ["", "0x", "0x" + 40 * "0", 38 * "1", 42 * "1", 40 * "g"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no address|fromhex|hexadecimal"):
        address_of(text)


def test_an_operator_with_a_key_of_its_own_settles_once_however_often_it_sends() -> None:
    """An answer that was lost is found again by what the contract says; the same bytes again move nothing."""
    chain, key = Chain(), key_of(0xC0FFEE)
    _, driver, *_ = chain.people
    operator = address(key.point)
    chain.give(operator)
    chain.send(driver, "deposit", SESSION, "0x" + operator.hex(), chain.payee, chain.now + 86_400, value=5000)
    call = ContractCall(
        chain_id=chain.chain_id,
        nonce=0,
        tip=10**9,
        most_fee=10**10,
        gas=100_000,
        to=bytes.fromhex(chain.escrow[2:]),
        data=settle_call(SESSION, 3000, ROOT),
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
