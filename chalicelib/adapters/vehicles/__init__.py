"""Adapters of vehicles: one file for each car maker, and what is kept of cars and links."""
