"""Adapters: each keeps the promises of some ports with one outside thing. Adapters do not know each other."""
