"""The tables, once: for a terminal and for the pages in docs/, whose numbers are these or a test fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rich.table import Table

from cli.bill import bill, by_service, cost, price_list, total_usd
from cli.chart import Curve
from cli.fleet import Fleet, use
from cli.standing import FIXED
from cli.storm import AGEINGS, WAITS, quickest_s, simulate
from cli.storm import echoes as storm_echoes
from cli.transparency import CLAIMS, PAPER

HEARTBEATS_S = (60, 300, 420, 540)
TARGET_USD = 0.045
# What a small fleet may cost: so much a charger-month, and so much whatever its size.
SMALL_USD, STANDING_USD = 0.05, 60
SMALL_FLEETS = (100, 1_000, 10_000)
_MAPS_ASKED = 5
_SIZES = (10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
_CONNECTIONS_PER_S = 500
_CENT_USD = 0.01
# What the log of settled charges may cost in a month at 100,000 sessions a day.
LOG_USD = 10


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table: the first column says what, the others how much."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""

    def markdown(self) -> str:
        ruler = ["---", *["---:"] * (len(self.heads) - 1)]
        return "\n".join(f"| {' | '.join(row)} |" for row in (self.heads, ruler, *self.rows))

    def rich(self) -> Table:
        table = Table(title=self.title, title_justify="left")
        for number, head in enumerate(self.heads):
            table.add_column(head, justify="right" if number else "left")
        for row in self.rows:
            table.add_row(*(cell.replace("**", "") for cell in row))
        return table


def services(fleet: Fleet, heartbeats_s: Sequence[int] = HEARTBEATS_S) -> Sheet:
    """USD a charger-month by service, for each heartbeat, beside what a hosted product asks."""
    bills = [bill(use(replace(fleet, heartbeat_s=it))) for it in heartbeats_s]
    columns = [by_service(lines) for lines in bills]
    names = sorted({name for column in columns for name in column}, key=lambda name: -columns[-1].get(name, 0))
    rows = [[name, *(_usd(column.get(name, 0) / fleet.chargers) for column in columns)] for name in names]
    rows = [row for row in rows if any(cell != _usd(0) for cell in row[1:])]
    totals = [total_usd(lines) for lines in bills]
    rows.append(["**a charger-month**", *(f"**{_usd(it / fleet.chargers)}**" for it in totals)])
    rows.append(["the whole fleet, a month", *(f"${it:,.0f}" for it in totals)])
    saas = price_list()["saas_usd_per_charger_month"]
    rows.append(
        [f"hosted at ${saas:.0f}: so many times dearer", *(f"{saas * fleet.chargers / it:,.0f}" for it in totals)]
    )
    heads = ["USD a charger-month", *(f"heartbeat {it} s" for it in heartbeats_s)]
    return Sheet(heads, rows, _title(fleet))


def lines(fleet: Fleet) -> Sheet:
    """Every line of one bill."""
    rows = [
        [f"{it.service}: {it.unit}", f"{it.amount:,.0f}", f"${it.usd:,.0f}", _usd(it.usd / fleet.chargers)]
        for it in bill(use(fleet))
        if it.usd / fleet.chargers >= 0.000_05
    ]
    return Sheet([f"what, heartbeat {fleet.heartbeat_s} s", "a month", "USD", "a charger-month"], rows)


def choices(fleet: Fleet) -> Sheet:
    """What one decision changes, others left as they are."""
    now = _per_charger(fleet)
    others = [
        ("a heartbeat each 270 s", replace(fleet, heartbeat_s=270)),
        ("a heartbeat each 420 s", replace(fleet, heartbeat_s=420)),
        ("a heartbeat each 300 s", replace(fleet, heartbeat_s=300)),
        ("readings each 10 s", replace(fleet, reading_s=10)),
        ("readings each 300 s", replace(fleet, reading_s=300)),
        ("Lambda with its own log lines", replace(fleet, lambda_logs_platform=True)),
        ("a line in an access log for every frame", replace(fleet, logs_frames=True)),
        ("the canary, whose cost is the same for any fleet", replace(fleet, canary=True)),
        ("no access log", replace(fleet, logs_requests=False)),
        ("Cognito's default tier, Essentials", replace(fleet, users_are_lite=False)),
        ("every AWS call twice as slow", replace(fleet, lambda_call_ms=2 * fleet.lambda_call_ms)),
        ("twice as many sessions", replace(fleet, sessions_per_day=2 * fleet.sessions_per_day)),
        ("drivers who never log in (cards only)", replace(fleet, sessions_per_driver_month=10**9)),
        ("no 1.6 charger that boots when it is back", replace(fleet, boots_at_connect=0)),
        ("every password hashed at every connect", replace(fleet, hashes_per_connect=1)),
        ("nobody watches the live view", replace(fleet, live_minutes_per_session=0)),
        ("the live view by event stream, asked every 8 s", replace(fleet, live_socket_share=0)),
        ("the live view by event stream, asked every 2 s", replace(fleet, live_socket_share=0, live_retry_s=2)),
        ("no notice by mail", replace(fleet, mails_per_session=0)),
        ("Amazon Location asked for the best five", replace(fleet, maps_per_search=_MAPS_ASKED)),
    ]
    rows = [["as it is", _usd(now), ""]]
    rows += [[name, _usd(_per_charger(it)), f"{_per_charger(it) - now:+.4f}"] for name, it in others]
    # One more line of log, 200 bytes and CloudWatch's 26, for each invocation; one trace of X-Ray at $5 a million.
    invocations = use(fleet).amounts["lambda_request"]
    logged = cost(invocations * 226 / 1024**3, price_list()["prices"]["log_gb"]) / fleet.chargers
    rows.append(["one line of log for every frame", _usd(now + logged), f"{logged:+.4f}"])
    traced = invocations * 5e-6 * 0.05 / fleet.chargers
    rows.append(["X-Ray, one invocation in twenty", _usd(now + traced), f"{traced:+.4f}"])
    return Sheet(["what", "a charger-month", "more or less"], rows)


def live(fleet: Fleet) -> Sheet:
    """What watching costs, by either way, over a fleet that nobody watches."""
    unwatched = by_service(bill(use(replace(fleet, live_minutes_per_session=0))))
    ways = [by_service(bill(use(replace(fleet, live_socket_share=share)))) for share in (0.0, 1.0)]
    more = [{name: usd - unwatched.get(name, 0) for name, usd in way.items()} for way in ways]
    names = sorted({name for way in more for name in way}, key=lambda name: -more[0].get(name, 0))
    per_charger = [[way.get(name, 0) / fleet.chargers for way in more] for name in names]
    rows = [
        [name, *map(_usd, cells)]
        for name, cells in zip(names, per_charger, strict=True)
        if any(_usd(abs(it)) != _usd(0) for it in cells)
    ]
    sums = [sum(way.values()) for way in more]
    rows.append(["**a charger-month**", *(f"**{_usd(it / fleet.chargers)}**" for it in sums)])
    rows.append(["a thousand sessions watched", *(f"${1000 * it / fleet.sessions:.2f}" for it in sums)])
    minutes = f"{fleet.live_minutes_per_session:.0f} minutes of a session watched"
    return Sheet([minutes, f"event stream, each {fleet.live_retry_s:.0f} s", "WebSocket, told"], rows)


def log(fleet: Fleet) -> Sheet:
    """What the log of settled charges adds to a bill, and the evidence of disputes with it."""
    kept, without = (by_service(bill(use(replace(fleet, has_log=it)))) for it in (True, False))
    more = {name: usd - without.get(name, 0) for name, usd in kept.items()}
    rows = [[name, f"${usd:.2f}"] for name, usd in sorted(more.items(), key=lambda it: -it[1]) if usd >= _CENT_USD / 2]
    rows.append(["**in all**", f"**${log_usd(fleet):.2f}**"])
    rows.append(["beside it, a thousand invoices and credit notes, each an entry", f"${1000 * parts_usd(PAPER):.4f}"])
    rows.append(
        ["beside it, a thousand charges whose meters sign: records claimed", f"${1000 * parts_usd(CLAIMS):.4f}"]
    )
    return Sheet([f"log and evidence, {fleet.sessions_per_day:,.0f} sessions a day", "USD a month"], rows)


def parts_usd(parts: Mapping[str, float]) -> float:
    """What so much of each price comes to."""
    prices = price_list()["prices"]
    return sum(cost(amount, prices[key]) for key, amount in parts.items())


def log_usd(fleet: Fleet) -> float:
    """What log and evidence add to a month's bill."""
    kept, without = (total_usd(bill(use(replace(fleet, has_log=it)))) for it in (True, False))
    return kept - without


def sizes(fleet: Fleet) -> Sheet:
    """The same chargers, but few of them: what stands whatever the fleet is most of it."""
    rows = []
    for chargers in (*SMALL_FLEETS, fleet.chargers):
        one = replace(fleet, chargers=chargers, sessions_per_day=fleet.sessions_per_day * chargers / fleet.chargers)
        found = bill(use(one))
        standing = sum(line.usd for line in found if line.key in FIXED)
        total = total_usd(found)
        promised = SMALL_USD * chargers + STANDING_USD
        cells = [f"${standing:,.0f}", f"${total - standing:,.2f}", f"${total:,.2f}", f"${promised:,.0f}"]
        rows.append([f"{chargers:,}", *cells])
    return Sheet(["chargers", "stands", "moves", "a month", f"${SMALL_USD} each and ${STANDING_USD}"], rows)


def storms(chargers: int, per_s: int = _CONNECTIONS_PER_S) -> Sheet:
    """The whole fleet comes back in the same second."""
    rows = []
    for waiting in WAITS:
        it = simulate(chargers, per_s, waiting)
        knocks = f"{it.knocks:.1f}"
        rows.append(
            [waiting.name, *map(_time, (it.half_s, it.most_s, it.all_s)), knocks, f"{waiting.offline_percent:.2f} %"]
        )
    quickest = _time(quickest_s(chargers, per_s))
    rows.append([f"the door alone, {per_s} a second", "", "", quickest, "1.0", ""])
    heads = ["how chargers wait", "half are back", "99 %", "all", "knocks each", "offline in good times"]
    return Sheet(heads, rows, f"{chargers:,} chargers come back at once")


def echoes(chargers: int, per_s: int = _CONNECTIONS_PER_S) -> Sheet:
    """Whether a storm comes back by itself: the busiest minute of each two hours after it."""
    shown = (0, 1, 2, 6, 12)
    rows = []
    for ageing in AGEINGS:
        peaks = storm_echoes(chargers, per_s, ageing, max(shown) + 1)
        rows.append([ageing.name, *(f"{peaks[it]:,.0f}" for it in shown)])
    heads = ["how sockets end", "the storm", *(f"{2 * it} h later" for it in shown[1:])]
    return Sheet(heads, rows, f"{chargers:,} chargers: reconnects a second in the busiest minute")


def curves(sessions_a_charger_day: float) -> dict[str, Curve]:
    """USD a charger-month over the size of the fleet, by heartbeat, and what a hosted product asks."""
    found: dict[str, Curve] = {
        f"heartbeat {heartbeat_s} s": [
            (size, _per_charger(Fleet(size, size * sessions_a_charger_day, heartbeat_s=heartbeat_s))) for size in _SIZES
        ]
        for heartbeat_s in HEARTBEATS_S
    }
    saas = price_list()["saas_usd_per_charger_month"]
    return {**found, f"hosted, ${saas:.0f}": [(size, saas) for size in _SIZES]}


def verdict(fleet: Fleet) -> str:
    """Whether the target is met."""
    now = _per_charger(fleet)
    met = "meets" if now < TARGET_USD else "misses"
    standing = sum(line.usd for line in bill(use(fleet)) if line.key in FIXED)
    return (
        f"${now:.4f} a charger-month at a heartbeat of {fleet.heartbeat_s} s {met} the target of ${TARGET_USD}; "
        f"${standing:.0f} a month stand whatever the fleet."
    )


def _title(fleet: Fleet) -> str:
    as_of = price_list()["as_of"]
    return f"{fleet.chargers:,} chargers, {fleet.sessions_per_day:,.0f} sessions a day; us-east-1 list of {as_of}"


def _per_charger(fleet: Fleet) -> float:
    return total_usd(bill(use(fleet))) / fleet.chargers


def _usd(amount: float) -> str:
    return f"{amount:.4f}"


def _time(seconds: int) -> str:
    if seconds >= 24 * 3600:
        return "over a day"
    return f"{seconds / 3600:.1f} h" if seconds >= 2 * 3600 else f"{seconds / 60:.0f} min"
