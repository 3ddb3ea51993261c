"""DynamoDB's units by hand: the examples are of its documentation's rules."""

from __future__ import annotations

import pytest

from benchmarks.units import Index, Item, item_bytes, read_units, write_units

BY_OWNER = Index("by_owner", ("owner",), None)
KEYS_ONLY = Index("due", ("shard", "at"), frozenset({"shard", "at", "id"}))


def item(size_bytes: int, **more: str) -> Item:
    """An item of about this size: `id` and one long text."""
    return {"id": {"S": "a"}, "body": {"S": "x" * (size_bytes - 7)}, **{name: {"S": it} for name, it in more.items()}}


@pytest.mark.parametrize(
    ("attributes", "size_bytes"),
    [
        ({"id": {"S": "abc"}}, 5),
        ({"id": {"S": "ü"}}, 4),
        ({"n": {"N": "1700000000"}}, 1 + 2),
        ({"n": {"N": "-1234"}}, 1 + 3),
        ({"b": {"BOOL": True}}, 2),
        ({"l": {"L": [{"S": "1"}, {"S": "2"}]}}, 1 + 3 + 2 * 2),
        ({"m": {"M": {"1": {"S": "available"}}}}, 1 + 3 + 1 + 1 + 9),
    ],
)
def test_an_item_is_as_large_as_its_names_and_values(attributes: Item, size_bytes: int) -> None:
    assert item_bytes(attributes) == size_bytes


def test_a_write_costs_a_unit_for_each_kilobyte_begun() -> None:
    assert write_units(None, item(1024)) == 1
    assert write_units(None, item(1025)) == 2


def test_a_write_is_billed_by_the_larger_of_what_was_and_what_is() -> None:
    assert write_units(item(3000), item(100)) == 3
    assert write_units(item(2048), None) == 2


def test_deleting_what_is_not_there_still_costs_one() -> None:
    assert write_units(None, None) == 1


def test_an_index_that_holds_everything_is_written_with_every_change() -> None:
    before, after = item(500, owner="me", state="a"), item(500, owner="me", state="b")
    assert write_units(before, after, [BY_OWNER]) == 2


def test_an_index_of_keys_is_not_written_when_something_else_changes() -> None:
    before = item(500, shard="1", at="9", state="a")
    assert write_units(before, item(500, shard="1", at="9", state="b"), [KEYS_ONLY]) == 1


def test_moving_within_an_index_is_a_deletion_and_a_write() -> None:
    assert write_units(item(500, shard="1", at="9"), item(500, shard="1", at="10"), [KEYS_ONLY]) == 3


def test_leaving_an_index_is_one_write() -> None:
    assert write_units(item(500, shard="1", at="9"), item(500), [KEYS_ONLY]) == 2


def test_items_of_a_query_are_summed_before_they_are_rounded() -> None:
    sizes = [2000, 2000, 2000]
    assert read_units(sizes, consistent=True, together=True) == 2
    assert read_units(sizes, consistent=False, together=True) == 1
    assert read_units(sizes, consistent=True, together=False) == 3


def test_reading_nothing_costs_as_much_as_reading_little() -> None:
    assert read_units([], consistent=True, together=False) == 1
    assert read_units([], consistent=False, together=True) == 0.5
