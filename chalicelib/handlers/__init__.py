"""The outside world's events in, services called, their answers out; no decision about charging is taken here."""
