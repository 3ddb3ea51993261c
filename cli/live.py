"""Watching a charge: what a month's live views ask for, by event stream and by WebSocket."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli.fleet import Fleet


def watching(fleet: Fleet) -> dict[str, float]:
    """How often each measured kind of it happens: asked again and again, and told."""
    watched_s = fleet.sessions * fleet.live_minutes_per_session * 60
    by_socket_s = watched_s * fleet.live_socket_share
    told = by_socket_s / fleet.reading_s
    if by_socket_s:
        told += fleet.sessions * fleet.live_socket_share * fleet.live_states
    visits = fleet.sessions * fleet.live_socket_share * fleet.live_visits * (by_socket_s > 0)
    return {
        "live": (watched_s - by_socket_s) / (fleet.live_retry_s + fleet.live_answer_s),
        "live_open": visits,
        "live_hide": visits,
        "live_renew": by_socket_s / fleet.live_renew_s,
        "live_told": told,
        "live_nobody": visits * fleet.live_lapse_s / fleet.reading_s,
    }
