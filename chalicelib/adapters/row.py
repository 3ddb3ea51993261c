"""A row of a table: declared by PynamoDB's model, read and written by ours.

A model names the table, its keys, indexes and lifetime, and each attribute's type, once. What passes by for each frame
(making a row, reading an item, asking for a call) goes from there straight to the client: PynamoDB looks at all
attributes that a row might have, three times over, where an item has a few.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

from pynamodb.constants import NULL
from pynamodb.exceptions import AttributeDeserializationError, AttributeNullError
from pynamodb.models import Model

from chalicelib.adapters.attributes import Plain

Item = dict[str, dict[str, Any]]
_Reader = Callable[[Any], Any]


class Row(Model):
    """The base of all rows. Values are given by name, the keys first."""

    _readers: ClassVar[Mapping[str, tuple[str, _Reader | None]]]
    _needed: ClassVar[frozenset[str]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        declared = {name: it for name, it in vars(cls).items() if isinstance(it, Plain)}
        cls._readers = {
            name: (it.attr_type, None if type(it).deserialize is Plain.deserialize else it.deserialize)
            for name, it in declared.items()
        }
        cls._needed = frozenset(name for name, it in declared.items() if not it.null)

    def __init__(self, hash_key: str | None = None, range_key: str | None = None, **attributes: Any) -> None:
        if not attributes.keys() <= self._readers.keys():
            raise ValueError(f"{type(self).__name__} has no {sorted(attributes.keys() - self._readers.keys())}")
        if hash_key is not None and self._hash_keyname is not None:
            attributes[self._hash_keyname] = hash_key
        if range_key is not None and self._range_keyname is not None:
            attributes[self._range_keyname] = range_key
        self.attribute_values = attributes

    def serialize(self, null_check: bool = True) -> Item:
        """The item as DynamoDB takes it. Raises AttributeNullError where one is missing that all have."""
        attributes = self.get_attributes()
        item: Item = {}
        for name, value in self.attribute_values.items():
            if value is not None and (stored := attributes[name].serialize(value)) is not None:
                item[name] = {attributes[name].attr_type: stored}
        if null_check and not self._needed <= item.keys():
            raise AttributeNullError(sorted(self._needed - item.keys())[0])
        return item

    def deserialize(self, attribute_values: Item) -> None:
        """Become what is stored; what this release does not know of is passed over."""
        values: dict[str, Any] = {}
        for name, typed in attribute_values.items():
            known = self._readers.get(name)
            if known is None:
                continue
            of_type, reader = known
            try:
                stored = typed[of_type]
            except KeyError:
                if NULL in typed:
                    continue
                raise AttributeDeserializationError(name, of_type) from None
            values[name] = stored if reader is None else reader(stored)
        self.attribute_values = values

    @classmethod
    def from_raw_data(cls, data: Item) -> Self:
        """The row that an item is."""
        row = cls.__new__(cls)
        row.deserialize(data)
        return row

    def key(self) -> Item:
        """The item's key as DynamoDB takes it."""
        attributes, values = self.get_attributes(), self.attribute_values
        names = [name for name in (self._hash_keyname, self._range_keyname) if name is not None]
        return {name: {attributes[name].attr_type: attributes[name].serialize(values[name])} for name in names}
