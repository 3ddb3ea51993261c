"""Merkle trees of a log: hashes, proofs of inclusion and of consistency, and their checks (RFC 6962 section 2.1).

A tree is read by the hashes of its complete subtrees, wherever they are kept; nothing here knows of tiles.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

HASH_BYTES = 32
# The hash of the complete subtree over the 2**level entries from index * 2**level on.
HashAt = Callable[[int, int], bytes]
EMPTY = sha256().digest()


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one entry of the log."""
    return sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a tree whose halves have these."""
    return sha256(b"\1" + left + right).digest()


def tree_hash(begin: int, end: int, hash_at: HashAt) -> bytes:
    """The hash of the entries from `begin` until before `end`, which begin where a subtree of theirs can."""
    width = end - begin
    if width == 0:
        return EMPTY
    if width & (width - 1) == 0:
        level = width.bit_length() - 1
        return hash_at(level, begin >> level)
    middle = begin + _half(width)
    return node_hash(tree_hash(begin, middle, hash_at), tree_hash(middle, end, hash_at))


def inclusion_proof(index: int, size: int, hash_at: HashAt) -> list[bytes]:
    """What an entry's hash is hashed with, from its sibling up, until it is that of the first `size` entries."""
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} has no entry {index}")
    proof: list[bytes] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _half(end - begin)
        if index < middle:
            proof.append(tree_hash(middle, end, hash_at))
            end = middle
        else:
            proof.append(tree_hash(begin, middle, hash_at))
            begin = middle
    return proof[::-1]


def consistency_proof(old: int, new: int, hash_at: HashAt) -> list[bytes]:
    """What shows that the first `old` of `new` entries are those that they were."""
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {old} does not grow to one of {new}")
    if old in (0, new):
        return []
    proof: list[bytes] = []
    begin, end, is_whole = 0, new, True
    while old != end:
        middle = begin + _half(end - begin)
        if old <= middle:
            proof.append(tree_hash(middle, end, hash_at))
            end = middle
        else:
            proof.append(tree_hash(begin, middle, hash_at))
            begin, is_whole = middle, False
    return [*([] if is_whole else [tree_hash(begin, end, hash_at)]), *proof[::-1]]


def is_included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof shows an entry, by its leaf hash, in the tree of that size and root (RFC 9162 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    found, left, last = leaf, index, size - 1
    for sibling in proof:
        if last == 0:
            return False
        if left & 1 or left == last:
            found = node_hash(sibling, found)
            while not left & 1 and left:
                left, last = left >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        left, last = left >> 1, last >> 1
    return last == 0 and found == root


def is_consistent(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Whether the proof shows that a tree grew into another and nothing in it was changed (RFC 9162 2.1.4.2)."""
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == EMPTY
    if not 0 < old < new or not proof:
        return False
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    left, last = old - 1, new - 1
    while left & 1:
        left, last = left >> 1, last >> 1
    was = now = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if left & 1 or left == last:
            was, now = node_hash(sibling, was), node_hash(sibling, now)
            while not left & 1 and left:
                left, last = left >> 1, last >> 1
        else:
            now = node_hash(now, sibling)
        left, last = left >> 1, last >> 1
    return last == 0 and was == old_root and now == new_root


def _half(width: int) -> int:
    """The largest power of two below a width."""
    return 1 << (width - 1).bit_length() - 1
