"""What a query's parameter says: a time, or yes or no."""

from __future__ import annotations

from datetime import datetime

from chalicelib.handlers.http.endpoint import BadRequest, Request


def time_asked(request: Request, name: str) -> datetime | None:
    """The time that a parameter names, aware; None where it is left out. Raises BadRequest for anything else."""
    text = request.query.get(name)
    if text is None:
        return None
    try:
        # A plus sign in a query is a space once decoded.
        at = datetime.fromisoformat(text.strip().replace(" ", "+"))
    except ValueError:
        raise BadRequest(f"{name} is not an RFC 3339 time", name) from None
    if at.tzinfo is None:
        raise BadRequest(f"{name} needs a time zone, Z for instance", name)
    return at


def is_asked(request: Request, name: str) -> bool:
    """Whether a parameter says `true`, in any case; left out it says `false`. Raises BadRequest for anything else."""
    text = request.query.get(name, "false").lower()
    if text not in ("true", "false"):
        raise BadRequest(f"{name} must be true or false", name)
    return text == "true"
