"""Partitions that many share: every index, and the table of places, with what its busiest partition has to bear.

A table whose key is a charger, a session or a driver spreads by itself and is not here.
"""

from __future__ import annotations

from dataclasses import dataclass

from cli.fleet import Fleet
from cli.limits import Load, busy, storm
from cli.report import Sheet
from cli.wallets import SHARE

_PARTITION_WRITES_PER_S = 1_000
_STORM_PER_S = 500
_SHARDS, _LIST_SHARDS = 8, 32


@dataclass(frozen=True, slots=True)
class Key:
    """`busy` and `storm` are write units a second in the busiest partition, were all chargers one operator's."""

    name: str
    key: str
    busy: float
    storm: float
    remark: str


def keys(fleet: Fleet, sessions: int) -> list[Key]:
    """Every one, as declared in chalicelib/adapters/tables/."""
    usual, after = busy(fleet, sessions), storm(fleet, sessions, _STORM_PER_S)
    starts, ended = usual.events["begin"], after.events["ended"]
    reconnects = usual.events["connect"]
    # Asked of each charger that keeps a list, once it is back: on the list, and off again.
    listed, listed_after = 2 * reconnects / _LIST_SHARDS, 2 * _STORM_PER_S / _LIST_SHARDS
    # A session is written about eight times on its way in and out, and the index with it, for the time changes.
    unsettled, unsettled_after = 2 * 8 * starts / _SHARDS, 2 * 4 * ended / _SHARDS
    return [
        Key("chargers.by_operator", "operator", 0, 0, "keys only, once in a charger's life"),
        Key("chargers.by_site", "site", 0, 0, "keys only, once in a charger's life, and where it is moved"),
        Key("chargers.list_due", "32 shards", listed, listed_after, "spread, and so is its reader"),
        Key(
            "chargers.lists",
            "operator",
            2 * reconnects,
            2 * _STORM_PER_S,
            "if all kept lists: off with a socket, and on",
        ),
        Key("operators.behind", "all", 0.1, 0.1, "operators with a card or profile on its way; few, and few at once"),
        Key("calls.waiting", "8 shards", 0.1 * starts / _SHARDS, 0, "only what finds another call open"),
        Key("chargers.pending", "operator", 0, 0, "newcomers only, at most as many as an operator may have"),
        Key(
            "places (table)",
            "H3 cell, 12,000 km2",
            *_places(usual, after),
            "were all chargers in one cell; a third in one is warm",
        ),
        Key("sessions.by_driver", "driver", 0, 0, "one person's sessions"),
        Key("sessions.by_operator", "operator", starts, 0, "keys only, once a session"),
        Key("sessions.flagged", "operator", 0.01 * starts, 0.1 * ended, "one in a hundred; one in ten after an outage"),
        Key("sessions.unsettled", "8 shards", unsettled, unsettled_after, "spread"),
        Key("transactions.unclaimed", "8 shards", 0, 2 * ended / _SHARDS, "spread"),
        Key("audit.by_operator", "operator", 20, 20, "its changes; of commands 20 a second are let in"),
        Key("audit.by_thing", "operator's thing", 1, 1, "changes of one charger, tariff or session"),
        Key("keys.by_operator", "operator", 0, 0, "a key is made, rotated, revoked, used in another hour"),
        Key("faults.by_driver", "driver", 1, 1, "ten reports a day for each driver at most"),
        Key("faults.by_operator", "operator", 1, 1, "written when a driver reports a charger, and when it is answered"),
        Key("faults.open", "operator", 1, 1, "those that nobody has closed"),
        Key("tokens.by_operator", "operator", 1, 1, "written when a card changes; read for every charger's list"),
        Key("tokens.by_driver", "driver", 0, 0, "one person's cards"),
        Key("ledger.by_day", "day", 4 * starts, 3 * ended, "keys only; shard it before ten times the sessions"),
        # Drivers change their card once in years; a month's stand in eight partitions.
        Key(
            "drivers.expiring", "8 shards", 0.001 * starts / _SHARDS, 0, "spread; a driver's card changes now and then"
        ),
        Key(
            "debts.due",
            "8 shards",
            2 * 0.01 * starts / _SHARDS,
            2 * 0.01 * ended / _SHARDS,
            "spread; one session in a hundred",
        ),
        Key(
            "invoices.due",
            "8 shards",
            2 * 0.1 * starts / _SHARDS,
            2 * 0.1 * ended / _SHARDS,
            "spread; one session in ten is a business's",
        ),
        Key(
            "wallets.due",
            "8 shards",
            2 * SHARE * starts / _SHARDS,
            2 * SHARE * ended / _SHARDS,
            "spread; an entry while something is set aside for a session, or paid in",
        ),
        Key(
            "alarms.due",
            "8 shards",
            0.1 * starts / _SHARDS,
            2 * _STORM_PER_S / _SHARDS,
            "spread; written where a charger is lost, or is used and may fall silent",
        ),
        Key("alarms.open", "operator", 1, 0, "one for each site that something is wrong with"),
        Key(
            "grid.busy",
            "16 shards",
            2 * starts * fleet.managed_share / 16,
            2 * ended * fleet.managed_share / 16,
            "spread; an entry for each session at a site whose power is shared out",
        ),
        # A night is written about eight times, and the index with it; they begin within six hours of the evening.
        Key(
            "vehicles.due",
            "8 shards",
            2 * 8 * 0.1 * fleet.active_drivers / (6 * 3600) / _SHARDS,
            0,
            "spread; one driver in ten with a linked car that is plugged in each evening",
        ),
        Key("notices.undelivered", "8 shards", 2 * 3 * starts / _SHARDS, 2 * 3 * ended / _SHARDS, "spread"),
        Key("reservations.by_driver", "driver", 0, 0, "one person's reservations"),
        Key("reservations.due", "8 shards", 2 * 0.1 * starts / _SHARDS, 0, "spread; one session in ten reserved"),
    ]


def sheet(fleet: Fleet, sessions: int) -> Sheet:
    rows = []
    for it in keys(fleet, sessions):
        loads = [f"{load:,.0f} ({100 * load / _PARTITION_WRITES_PER_S:.0f} %)" for load in (it.busy, it.storm)]
        rows.append([f"`{it.name}`" if "(" not in it.name else it.name, it.key, *loads, it.remark])
    heads = ["index", "partition", "busy, writes/s", "storm, writes/s", "what follows"]
    return Sheet(heads, rows)


def _places(usual: Load, after: Load) -> tuple[float, float]:
    return usual.by_table("write_units")["places"], after.by_table("write_units")["places"]
