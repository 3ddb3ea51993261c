"""A site's energy contract: what its power costs and where it comes from, and the outlook that follows from it.

Its own comes first: a price that the contract fixes needs no market; what guarantees of origin cover emits nothing,
whatever the grid's mix is; and the sun on its roof serves before the grid does.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta

from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.grid.outlook import QUARTER, Outlook
from chalicelib.domain.grid.signals import Series, Signal, SignalRow, beginning_of, number_of, quarter_of
from chalicelib.domain.pricing.wall_clock import zone

# The feed of prices that an operator uploads for a site: nobody fetches it, and it grows no older.
UPLOADED = "csv"
# What the operator's utility tells by events of a program (OpenADR's PRICE and GHG); nobody fetches it apart.
TOLD = "openadr"
_NOT_FETCHED = (UPLOADED, TOLD)
_ALL = 1000
_NEVER = datetime.min.replace(tzinfo=UTC)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Feed:
    """A signal from outside: one source's word for one zone, fetched once for all the sites that go by it."""

    source: str
    zone: str

    @property
    def name(self) -> str:
        """Its own among all feeds."""
        return f"{self.source}#{self.zone}"


def told_feed(operator_id: str, program: str) -> Feed:
    """What an operator's utility tells in one of its programs: nobody else's sites go by that."""
    return Feed(TOLD, f"{operator_id}/{program}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBand:
    """A price by the clock at the site: on these days (0 is Monday) of these months (1 to 12), from `begins` to `ends`.

    What is empty or None is every day, every month, midnight; from 22:00 to 6:00 is one night, which belongs to the
    day that each of its hours lies in.
    """

    price_micros: int
    days: tuple[int, ...] = ()
    months: tuple[int, ...] = ()
    begins: time | None = None
    ends: time | None = None

    def holds(self, here: datetime) -> bool:
        """Whether it is the price of that moment, told by the site's clock."""
        begins, ends, now = self.begins or time(), self.ends or time(), here.time()
        # To midnight, over midnight, or all day where it does not begin before it ends.
        in_time = begins <= now < ends if begins < ends else now >= begins or now < ends
        return in_time and here.weekday() in (self.days or range(7)) and here.month in (self.months or range(1, 13))


@dataclass(frozen=True, slots=True, kw_only=True)
class SolarPlant:
    """Solar modules of a site: their power in full sun, tilt from level, and azimuth (0 south, -90 east, 90 west)."""

    peak_w: int
    latitude: float
    longitude: float
    tilt_deg: int
    azimuth_deg: int
    source: str = "forecast_solar"

    @property
    def feed(self) -> Feed:
        """The forecast for a kilowatt so placed, within some eleven kilometres."""
        place = f"{self.latitude:.1f},{self.longitude:.1f}".replace("-0.0", "0.0")
        return Feed(self.source, f"{place},{self.tilt_deg},{self.azimuth_deg}")


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyContract:
    """What a site's operator said of its power. One kind of price: fixed (`price_micros`), by the clock, or a feed's.

    By the clock the first of `bands` that holds counts, and `price_micros` where none does. `origin_permille` of its
    energy is covered by guarantees of origin.
    """

    site_id: str
    operator_id: str
    time_zone: str
    currency: str
    changed_at: datetime
    price_micros: int | None = None
    bands: tuple[PriceBand, ...] = ()
    price_feed: Feed | None = None
    carbon_feed: Feed | None = None
    carbon_micros_per_kg: int = 0
    demand_charge_micros: int = 0
    origin_permille: int = 0
    solar: SolarPlant | None = None

    @property
    def feeds(self) -> tuple[Feed, ...]:
        """All that it goes by: the price's, carbon's, the sun's."""
        solar = self.solar.feed if self.solar is not None else None
        return tuple(it for it in (self.price_feed, self.carbon_feed, solar) if it is not None)

    @property
    def fetched(self) -> tuple[Feed, ...]:
        """Those of its feeds that somebody has to fetch."""
        return tuple(it for it in self.feeds if it.source not in _NOT_FETCHED)

    def outlook(self, signals: Mapping[Feed, Signal], begins_at: datetime, quarters: int) -> Outlook:
        """What is known of so many quarters by these signals; a feed that has told nothing is left out of it.

        Prices in another currency than the contract's are no prices of this site.
        """
        begins_at = quarter_of(begins_at)
        price, carbon = (self._told(signals, it) for it in (self.price_feed, self.carbon_feed))
        mix = carbon.series(SignalRow.CARBON)
        sun = signals.get(self.solar.feed, Signal()) if self.solar is not None else Signal()
        told = [
            it.told_at or _NEVER
            for feed, it in ((self.price_feed, price), (self.carbon_feed, carbon))
            if feed is not None and feed.source not in _NOT_FETCHED
        ]
        return Outlook(
            begins_at=begins_at,
            currency=self.currency,
            price_micros=self._prices(price, begins_at, quarters),
            carbon_g=self._own(mix, begins_at, quarters, of_origin=0),
            renewable_permille=self._own(carbon.series(SignalRow.RENEWABLE), begins_at, quarters, of_origin=_ALL),
            marginal_g=carbon.series(SignalRow.MARGINAL).row(begins_at, quarters),
            solar_w=tuple(
                it * self.solar.peak_w // 1000 if self.solar is not None else 0
                for it in sun.series(SignalRow.SOLAR).row(begins_at, quarters)
            ),
            demand_charge_micros=self.demand_charge_micros,
            carbon_micros_per_kg=self.carbon_micros_per_kg,
            told_at=min(told, default=None),
            source=", ".join(self.sources),
        )

    @property
    def sources(self) -> tuple[str, ...]:
        """Where price and carbon come from, for receipts."""
        price = "contract" if self.price_feed is None else self.price_feed.name
        carbon = () if self.carbon_feed is None else (self.carbon_feed.name,)
        origin = (f"guarantees of origin {self.origin_permille / 10:g} %",) if self.origin_permille else ()
        return (price, *origin, *carbon)

    @staticmethod
    def _told(signals: Mapping[Feed, Signal], feed: Feed | None) -> Signal:
        return signals.get(feed, Signal()) if feed is not None else Signal()

    def _prices(self, told: Signal, begins_at: datetime, quarters: int) -> tuple[int, ...]:
        if self.price_feed is not None:
            is_ours = told.currency == self.currency
            return told.series(SignalRow.PRICE).row(begins_at, quarters) if is_ours else ()
        if self.price_micros is None:
            return ()
        clock, otherwise = zone(self.time_zone), self.price_micros
        times = [(begins_at + it * QUARTER).astimezone(clock) for it in range(quarters)]
        return tuple(next((it.price_micros for it in self.bands if it.holds(here)), otherwise) for here in times)

    def _own(self, mix: Series, begins_at: datetime, quarters: int, *, of_origin: int) -> tuple[int, ...]:
        """The grid's mix behind what guarantees of origin cover; where they cover all, the mix need not be known."""
        share = self.origin_permille
        if share == _ALL:
            return (of_origin,) * quarters
        return tuple(
            (of_origin * share + it * (_ALL - share) + _ALL // 2) // _ALL for it in mix.row(begins_at, quarters)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Blend:
    """What a kWh is in one quarter when the site's own sun has served first; None: not known."""

    price_micros: int | None
    carbon_g: int | None
    renewable_permille: int | None
    solar_permille: int


def blend(outlook: Outlook, place: int, drawn_w: int) -> Blend:
    """A kWh of the outlook's quarter number `place` while the whole site takes so much: the sun first, then the grid.

    The sun costs and emits nothing; all who take power there then share in it alike.
    """
    solar_w = outlook.solar_w[place] if place < len(outlook.solar_w) else 0
    sun = _ALL * min(solar_w, drawn_w) // drawn_w if drawn_w > 0 else 0

    def of(row: tuple[int, ...], of_sun: int) -> int | None:
        if sun == _ALL:
            return of_sun
        return (row[place] * (_ALL - sun) + of_sun * sun + _ALL // 2) // _ALL if place < len(row) else None

    return Blend(
        price_micros=of(outlook.price_micros, 0),
        carbon_g=of(outlook.carbon_g, 0),
        renewable_permille=of(outlook.renewable_permille, _ALL),
        solar_permille=sun,
    )


def days_of(series: Series) -> Mapping[datetime, tuple[int | None, ...]]:
    """The days (UTC) of which anything is known, each with its 96 quarters."""
    found: dict[datetime, list[int | None]] = {}
    for number, value in series.values.items():
        day = beginning_of(number).replace(hour=0, minute=0)
        quarters = found.setdefault(day, [None] * (_DAY // QUARTER))
        quarters[number - number_of(day)] = value
    return {day: tuple(quarters) for day, quarters in sorted(found.items())}


def series_of(days: Mapping[datetime, tuple[int | None, ...]]) -> Series:
    """What `days_of` was made of."""
    return Series(
        {
            number_of(day) + place: value
            for day, quarters in sorted(days.items())
            for place, value in enumerate(quarters)
            if value is not None
        }
    )
