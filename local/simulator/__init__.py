"""Chargers that exist only in software: the other side of the wire, knowing nothing of the backend but OCPP."""
