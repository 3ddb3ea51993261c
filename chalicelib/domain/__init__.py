"""What is always true of charging, whoever asks: standard library only, no clock, no I/O, no OCPP words."""
