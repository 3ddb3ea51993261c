"""Refusals: a request that cannot be granted is an answer, which says which rule stands in its way."""

from __future__ import annotations


class NotFound(Exception):
    """No such thing, or not this person's; the two look alike from outside."""


class Refusal(Exception):
    """The request is understood and cannot be granted; `code` is for programs, the text for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
