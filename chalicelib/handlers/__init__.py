"""Handlers: events from outside become calls of services, and their outcomes answers; a capability has its folder."""

from __future__ import annotations

# Every Blueprint, as `module.name`, in the order of the API's document; a capability adds its line.
BLUEPRINTS = (
    "http.caller.authorizers",
    "discovery.routes.search",
    "drivers.accounts.drivers",
    "drivers.credentials.credentials",
    "drivers.payment_cards.payment_cards",
    "drivers.profile.profile",
    "drivers.watches.watches",
    "reservations.routes.reservations",
    "sessions.routes.sessions",
    "sessions.adhoc.adhoc",
    "sessions.live.viewers",
    "money.receipts.receipts",
    "money.quotes.quotes",
    "money.routes.money",
    "drivers.tokens.tokens",
    "sessions.export.exports",
    "access.members.members",
    "access.api_keys.api_keys",
    "access.audit.audit",
    "chargers.registry.operators",
    "chargers.fault_reports.faults",
    "chargers.commands.commands",
    "chargers.provisioning.provisioning",
    "chargers.diagnostics.insight",
    "operators.alarms.alarms",
    "grid.routes.grids",
    "grid.looks.looks",
    "money.webhooks.webhooks",
    "notifications.routes.notices",
    "http.openapi.openapi",
    "sessions.workflow.steps",
    "schedules.schedules",
)
