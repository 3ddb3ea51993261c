"""The domain: what is always true of charging, whoever asks.

Standard library only; no clock, no I/O, no OCPP words.
"""
