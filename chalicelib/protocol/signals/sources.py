"""All sources of signals that a site's energy contract can name: one line each."""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.protocol.signals.carbon_intensity import CARBON_INTENSITY
from chalicelib.protocol.signals.electricity_maps import ELECTRICITY_MAPS
from chalicelib.protocol.signals.entsoe import ENTSOE
from chalicelib.protocol.signals.forecast_solar import FORECAST_SOLAR
from chalicelib.protocol.signals.nordpool import NORDPOOL
from chalicelib.protocol.signals.octopus import OCTOPUS
from chalicelib.protocol.signals.source import Source
from chalicelib.protocol.signals.watttime import WATTTIME

SOURCES: Mapping[str, Source] = {
    it.name: it for it in (ENTSOE, OCTOPUS, NORDPOOL, CARBON_INTENSITY, ELECTRICITY_MAPS, WATTTIME, FORECAST_SOLAR)
}
