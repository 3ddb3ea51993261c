"""Drivers' services over the real tables."""
