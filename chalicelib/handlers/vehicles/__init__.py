"""Handlers of vehicles: a driver's own cars, and what makers tell by webhooks."""
