"""Plugs by OCPI's connector types, and the most that any charger on the market gives at each.

A plug whose power nobody registered is taken for the strongest of its type: more than that is not believed of it.
"""

from __future__ import annotations

from enum import StrEnum


class PlugType(StrEnum):
    """Kind of plug or socket: OCPI's connector types (ConnectorType) by their usual names."""

    TYPE_1 = "type1"
    TYPE_2 = "type2"
    CCS_1 = "ccs1"
    CCS_2 = "ccs2"
    CHADEMO = "chademo"
    NACS = "nacs"
    GBT_AC = "gbt_ac"
    GBT_DC = "gbt_dc"
    DOMESTIC = "domestic"
    UNKNOWN = "unknown"


# The most that any charger on the market gives at such a plug, where nobody registered its power: SAE J1772 80 A at
# 240 V, IEC 62196-2 and GB/T 20234.2 63 A in three phases, a household's 40 A at 240 V, and 500 kW of direct current;
# what gives more (megawatt charging, say) must be registered as what it is.
_STRONGEST_W = {
    PlugType.TYPE_1: 19_200,
    PlugType.TYPE_2: 43_500,
    PlugType.GBT_AC: 43_500,
    PlugType.DOMESTIC: 9_600,
}
_STRONGEST_OF_ALL_W = 500_000


def strongest_w(kind: PlugType) -> int:
    """The power in W that a plug of a type has at most."""
    return _STRONGEST_W.get(kind, _STRONGEST_OF_ALL_W)
