"""The API's words: every body that comes in or goes out has its model here, and a request has no field unknown to it.

Money is integer minor units with an ISO 4217 currency, times are RFC 3339 UTC, prices are decimal text. No model
has a place for a card number.
"""
